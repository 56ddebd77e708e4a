/// Any bytes as `potoo.db`: it is read and written as a journal, or refused by a `store_error`. After `--sql` and a new
/// line the bytes are statements that change a sound journal instead, which leads past SQLite's own checks to ours.

#include "claim.hpp"

#include "engine/journal/sqlite_store.hpp"

#include "journal_sample.hpp"

#include "tests/unit/journal/samples.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

using namespace potoo;
using namespace potoo::journal;
using fuzz::claim;

namespace {

constexpr std::string_view sql_mark = "--sql\n";

/// Rows may be changed; anything else could take for ever, or reach other files.
int only_rows(void*, int action, const char*, const char*, const char*, const char*)
{
    const bool allowed = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE ||
                         action == SQLITE_READ || action == SQLITE_SELECT || action == SQLITE_FUNCTION;
    return allowed ? SQLITE_OK : SQLITE_DENY;
}

int give_up(void*)
{
    return 1;
}

/// Statements that are none are passed over.
void change(const std::filesystem::path& file, const std::string& sql)
{
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db(opened, &sqlite3_close);
    claim(code == SQLITE_OK, "the sample opens");
    constexpr int most_steps = 100'000;
    sqlite3_set_authorizer(db.get(), only_rows, nullptr);
    sqlite3_progress_handler(db.get(), most_steps, give_up, nullptr);
    sqlite3_limit(db.get(), SQLITE_LIMIT_LENGTH, 100'000);
    sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr);
}

/// A journal in memory, made anew for each input.
class journal_file
{
  public:
    journal_file()
    {
        const auto name = directory_.path() / "sample";
        fuzz::write_journal(name, fuzz::running_and_ended());
        std::ifstream file(name, std::ios::binary);
        sample_.assign(std::istreambuf_iterator<char>(file), {});
    }

    [[nodiscard]] state_layout layout() const { return state_layout(directory_.path() / "state"); }

    void put(std::string_view input) const
    {
        const bool is_sql = input.starts_with(sql_mark);
        write(is_sql ? sample_ : input);
        if (is_sql)
            change(layout().database(), std::string(input.substr(sql_mark.size())));
    }

  private:
    void write(std::string_view bytes) const
    {
        // What an earlier input left beside the file belongs to that one.
        std::filesystem::remove_all(layout().directory());
        std::filesystem::create_directory(layout().directory());
        std::ofstream file(layout().database(), std::ios::binary);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

    samples::scratch_dir directory_;
    std::string sample_;
};

template <class Work>
void unless_refused(Work work)
{
    try {
        work();
    } catch (const store_error& e) {
        claim(*e.what() != '\0', "a refusal says what is wrong");
    }
}

void read_run(reader& r, run_number run)
{
    unless_refused([&] { static_cast<void>(r.dag_of(run)); });
    unless_refused([&] {
        record_seq last{0};
        r.records(run, record_seq(0), [&](record_seq seq, const record& found) {
            claim(seq > last, "records come in order");
            claim(found.run == run, "a record is of the run that was asked for");
            claim(!to_string(found.kind).empty(), "a record's kind has a name");
            static_cast<void>(to_string(found.state));
            last = seq;
            return true;
        });
    });
    unless_refused([&] {
        for (const auto& row : r.tasks(run))
            static_cast<void>(to_string(row.state));
    });
    unless_refused([&] {
        log_filter all;
        all.run = run;
        r.logs(all, [](std::uint64_t, const log_chunk& found) {
            claim(to_string(found.stream) != "?", "a log's stream has a name");
            return true;
        });
    });
    unless_refused([&] { static_cast<void>(r.unconfirmed(run)); });
    for (const std::uint32_t task : {0U, 1U, 7U}) {
        unless_refused([&] {
            const auto page = r.items(run, {.task = task_index(task), .limit = 10});
            claim(page.size() <= 10, "a page is no longer than it may be");
        });
        unless_refused([&] { static_cast<void>(r.attempts(run, task_index(task), item_index(0))); });
    }
}

/// Everything that can be asked.
void read_all(reader& r)
{
    unless_refused([&] {
        for (const auto& row : r.runs(run_filter{})) {
            static_cast<void>(to_string(row.state));
            read_run(r, row.number);
        }
    });
    unless_refused(
        [&] { static_cast<void>(r.runs(run_filter{.unfinished = true, .dag_name = "nightly", .limit = 1})); });
    unless_refused([&] { read_run(r, run_number(7)); });
    unless_refused([&] { static_cast<void>(r.runs(run_filter{.origin_by = "api", .origin_key = "a"})); });
    unless_refused([&] {
        record_seq last{0};
        r.records_since(record_seq(0), 1'000, [&](record_seq seq, const record&) {
            claim(seq > last, "records of all runs come in order");
            last = seq;
            return true;
        });
        static_cast<void>(r.last_seq());
        static_cast<void>(r.removed_up_to());
    });
    unless_refused([&] {
        static_cast<void>(r.entry("token", "a"));
        static_cast<void>(r.entries("token", "", 10));
    });
    unless_refused([&] { static_cast<void>(r.prunable(retention{.keep_runs = 0}, samples::instant(0))); });
}

void write_to(store& s)
{
    read_all(s);
    unless_refused([&] {
        const auto next = s.next_run();
        batch b;
        b.runs.push_back(samples::sample_run(next, "fuzz00000001"));
        b.records.push_back(samples::of_run(record_kind::run_started, next));
        b.changes = {{entry_verb::insert, "fuzz", "a", "1"}, {entry_verb::put, "token", "a", "2"}};
        s.append(b);
        const auto written = samples::records_of(s, next);
        claim(!written.empty() && written.back() == b.records.back(), "what was appended is there");
        s.claim(next, "engine-2");
    });
    unless_refused([&] {
        for (int i = 0; i < 100 && s.maintain(); ++i) {}
    });
    unless_refused([&] {
        for (int i = 0; i < 100 && s.prune(retention{.keep_runs = 0}, samples::instant(0), 1'000).more; ++i) {}
    });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const journal_file file;
    file.put(std::string_view(reinterpret_cast<const char*>(data), size));
    unless_refused([] { read_all(*open_sqlite_reader(file.layout())); });
    unless_refused([] { write_to(*open_sqlite_store(file.layout())); });
    return 0;
}
