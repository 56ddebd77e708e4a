#include "engine/journal/sqlite_store.hpp"

#include "engine/journal/damage.hpp"
#include "engine/journal/reach_mark.hpp"
#include "engine/journal/run_progress.hpp"
#include "engine/journal/sqlite_append.hpp"
#include "engine/journal/sqlite_columns.hpp"
#include "engine/journal/sqlite_entries.hpp"
#include "engine/journal/sqlite_port.hpp"
#include "engine/journal/sqlite_prune.hpp"
#include "engine/journal/sqlite_schema.hpp"
#include "engine/journal/state_files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace potoo::journal {

namespace {

constexpr std::uintmax_t largest_checked_file = 32ULL * 1024 * 1024;

void write_task(sqlite_statement& insert, run_number run, const task_row& task)
{
    insert.bind(1, run.value()).bind(2, task.task.value()).bind(3, static_cast<std::int64_t>(task.state));
    insert.bind(4, task.items);
    int place = first_count_column + 1;
    for (const auto state : counted_states)
        insert.bind(place++, task.counts[static_cast<std::size_t>(state)]);
    insert.bind(place++, task.attempts);
    bind_or_null(insert, place++, task.started);
    bind_or_null(insert, place++, task.ended);
    bind_or_null(insert, place++, task.output);
    bind_or_null(insert, place, task.error);
    insert.run();
}

/// A connection to a file that has our tables.
std::unique_ptr<sqlite_connection> open_for_writing(const std::filesystem::path& file, bool check_whole)
{
    auto connection = std::make_unique<sqlite_connection>(file, sqlite_access::read_write);
    if (connection->is_read_only())
        throw store_error(store_error_kind::read_only,
                          fmt::format("the journal '{}' is read-only; make the file and its directory writable, or "
                                      "choose another with --state",
                                      file.string()));
    prepare_for_writing(*connection);
    if (check_whole)
        check_integrity(*connection);
    return connection;
}

class sqlite_store final : public sqlite_port<store>
{
  public:
    sqlite_store(std::unique_ptr<sqlite_connection> opened, const state_layout& layout);

    record_seq last_seq() override { return last_record(); }

    pruned prune(const retention& keep, wall_time now, std::size_t at_most) override
    {
        return pruner_.prune(keep, now, at_most);
    }

    run_number next_run() const override { return next_run_; }

    append_result append(const batch& b) override;
    std::uint64_t claim(run_number run, const std::string& owner) override;
    bool maintain() override;

    [[nodiscard]] record_seq last_record() const noexcept { return record_seq(appender_.next() - 1); }

  private:
    void append_log(const log_chunk& chunk);
    void apply_progress(const record& r);

    reach_mark mark_;
    run_creator creator_;
    record_appender appender_;
    sqlite_pruner pruner_;
    unconfirmed_list unconfirmed_;
    entry_writer entries_;
    sqlite_statement insert_log_;
    sqlite_statement progress_;
    run_number next_run_;
};

sqlite_store::sqlite_store(std::unique_ptr<sqlite_connection> opened, const state_layout& layout)
    : sqlite_port(std::move(opened)), mark_(layout.mark()), creator_(connection()), appender_(connection()),
      pruner_(connection(), view()), unconfirmed_(connection()), entries_(connection()),
      insert_log_(connection().prepare("INSERT INTO log_chunk (run, task, item, attempt, stream, at, text) "
                                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")),
      progress_(connection().prepare("UPDATE run SET state = ?2, started = iif(?3, coalesce(started, ?5), started), "
                                     "ended = iif(?4, ?5, NULL), folded = 0 WHERE run = ?1")),
      next_run_(to_u32(connection().integer(
          "SELECT 1 + max(coalesce((SELECT max(run) FROM run), 0), (SELECT run FROM highest_removed))")))
{}

void sqlite_store::append_log(const log_chunk& chunk)
{
    insert_log_.bind(1, chunk.run.value()).bind(2, chunk.task.value()).bind(3, chunk.item.value());
    insert_log_.bind(4, chunk.attempt.value()).bind(5, static_cast<std::int64_t>(chunk.stream));
    insert_log_.bind(6, to_integer(chunk.at)).bind_blob(7, chunk.text).run();
}

void sqlite_store::apply_progress(const record& r)
{
    const auto progress = progress_of(r);
    if (!progress)
        return;
    progress_.bind(1, r.run.value()).bind(2, static_cast<std::int64_t>(progress->state));
    progress_.bind(3, progress->starts).bind(4, progress->ends).bind(5, to_integer(r.at)).run();
    if (progress->ends)
        appender_.forget(r.run);
}

append_result sqlite_store::append(const batch& b)
{
    append_result result;
    const auto first = appender_.next();
    try {
        sqlite_transaction transaction(connection(), "BEGIN IMMEDIATE");
        for (const auto& run : b.runs)
            creator_.create(run);
        for (const auto& r : b.records) {
            appender_.append(r);
            apply_progress(r);
            unconfirmed_.apply(r);
        }
        for (const auto& chunk : b.logs)
            append_log(chunk);
        for (const auto& change : b.changes)
            result.changes.push_back(entries_.carry_out(change));
        transaction.commit();
    } catch (const store_error&) {
        appender_.rewind(first);
        throw;
    }
    mark_.set(last_record());
    if (!b.runs.empty())
        next_run_ = run_number(b.runs.back().number.value() + 1);
    return result;
}

std::uint64_t sqlite_store::claim(run_number run, const std::string& owner)
{
    sqlite_transaction transaction(connection(), "BEGIN IMMEDIATE");
    auto update = connection().prepare("UPDATE run SET owner = ?2, epoch = epoch + 1 WHERE run = ?1 RETURNING epoch");
    if (!update.bind(1, run.value()).bind(2, owner).step())
        throw store_error(store_error_kind::not_found,
                          fmt::format("there is no run number {} in '{}'", run.value(), connection().file().string()));
    const auto epoch = static_cast<std::uint64_t>(update.integer(0));
    update.reset();
    transaction.commit();
    return epoch;
}

bool sqlite_store::maintain()
{
    auto next = connection().prepare("SELECT run FROM run WHERE ended IS NOT NULL AND folded = 0 ORDER BY run LIMIT 1");
    if (!next.step())
        return false;
    const run_number run(to_u32(next.integer(0)));
    next.reset();
    sqlite_transaction transaction(connection(), "BEGIN IMMEDIATE");
    connection().prepare("DELETE FROM task_snapshot WHERE run = ?1").bind(1, run.value()).run();
    auto insert = connection().prepare("INSERT INTO task_snapshot VALUES "
                                       "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)");
    for (const auto& task : view().tasks(run))
        write_task(insert, run, task);
    connection().prepare("UPDATE run SET folded = 1 WHERE run = ?1").bind(1, run.value()).run();
    transaction.commit();
    return true;
}

[[noreturn]] void refuse_to_create(const std::filesystem::path& file, int error)
{
    const bool full = error == ENOSPC || error == EDQUOT;
    const bool read_only = error == EROFS || error == EACCES || error == EPERM;
    throw store_error(full ? store_error_kind::full : (read_only ? store_error_kind::read_only : store_error_kind::io),
                      fmt::format("cannot create the journal '{}': {}; choose another place with --state",
                                  file.string(), std::system_category().message(error)));
}

/// Syncs a file or directory.
void sync(const std::filesystem::path& path)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int result = descriptor < 0 ? -1 : ::fsync(descriptor);
    const int error = errno;
    if (descriptor >= 0)
        ::close(descriptor);
    if (result != 0)
        refuse_to_create(path, error);
}

/// Under another name first, so that a journal is there whole or not at all.
void create_journal(const std::filesystem::path& file)
{
    const std::filesystem::path draft = file.string() + ".new";
    std::error_code ignored;
    std::filesystem::remove(draft, ignored);
    const int descriptor = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        refuse_to_create(file, errno);
    ::close(descriptor);
    {
        sqlite_connection connection(draft, sqlite_access::read_write);
        create_tables(connection);
    }
    sync(draft);
    std::error_code error;
    std::filesystem::rename(draft, file, error);
    if (error)
        refuse_to_create(file, error.value());
    sync(file.has_parent_path() ? file.parent_path() : ".");
}

} // namespace

std::unique_ptr<store> open_sqlite_store(const state_layout& layout)
{
    const auto file = layout.database();
    if (!check_state_files(layout))
        create_journal(file);
    const record_seq reached = reach_mark::read(layout.mark());
    std::error_code ignored;
    const bool was_killed = has_write_ahead_log(file);
    const auto size = std::filesystem::file_size(file, ignored);
    auto store = std::make_unique<sqlite_store>(
        open_for_writing(file, was_killed && !ignored && size <= largest_checked_file), layout);
    refuse_if_lost(layout, reached, store->last_record());
    return store;
}

} // namespace potoo::journal
