/// State directories of which a part is missing, cut off or exchanged: refused, in words that help.

#include "engine/journal/sqlite_store.hpp"

#include "samples.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

std::filesystem::path log_of(const state_layout& layout)
{
    return layout.database().string() + "-wal";
}

/// As it is after an engine was killed: what was recorded last is in the write-ahead log only.
class killed_engine
{
  public:
    explicit killed_engine(std::int64_t records = 10)
    {
        const scratch_dir running;
        const auto store = open_sqlite_store(running.layout());
        auto b = run_with({});
        for (std::int64_t i = 0; i < records; ++i)
            b.records.push_back(ended(0, 0, 1, recorded_state::success, i));
        store->append(b);
        for (const auto& entry : std::filesystem::directory_iterator(running.path()))
            if (entry.path().extension() != ".db-shm")
                std::filesystem::copy(entry.path(), dir_.path() / entry.path().filename());
        BOOST_REQUIRE(std::filesystem::file_size(log_of(layout())) > 0);
    }

    [[nodiscard]] state_layout layout() const { return dir_.layout(); }

  private:
    scratch_dir dir_;
};

void close_properly(const state_layout& layout)
{
    (void)open_sqlite_store(layout)->runs({});
}

void check_both_refuse(const state_layout& layout, const std::string& words)
{
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(layout), store_error, says(store_error_kind::corrupt, words));
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(layout), store_error, says(store_error_kind::corrupt, words));
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(layout), store_error,
                          says(store_error_kind::corrupt, layout.database().string()));
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(layout), store_error,
                          says(store_error_kind::corrupt, "restore it whole from a backup"));
}

} // namespace

BOOST_AUTO_TEST_SUITE(torn_directory)

BOOST_AUTO_TEST_CASE(what_a_killed_engine_leaves_is_whole)
{
    const killed_engine left;
    BOOST_TEST(records_of(*open_sqlite_reader(left.layout()), run_number(1)).size() == 10U);
    BOOST_TEST(records_of(*open_sqlite_store(left.layout()), run_number(1)).size() == 10U);
}

BOOST_AUTO_TEST_CASE(a_deleted_log_is_noticed)
{
    const killed_engine left;
    std::filesystem::remove(log_of(left.layout()));
    check_both_refuse(left.layout(), "its last record is 0, but 'potoo.mark' says that it has reached 10");
    std::filesystem::remove(left.layout().mark());
    BOOST_TEST(open_sqlite_reader(left.layout())->runs({}).empty());
    BOOST_CHECK_NO_THROW(close_properly(left.layout()));
}

/// The exit code of another program that opens the journal, reads it and closes it again.
int look_from_outside(const state_layout& layout)
{
    const std::string command =
        "sqlite3 '" + layout.database().string() + "' 'SELECT count(*) FROM run_status' >/dev/null";
    return std::system(command.c_str());
}

BOOST_AUTO_TEST_CASE(another_program_that_looks_leaves_the_journal_of_a_running_engine_whole)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    // As an engine does it: its own descriptors on the file must not take the locks of the other connection with them.
    const auto reader = open_sqlite_reader(dir.layout());
    store->append(run_with({of_run(record_kind::run_started, run_number(1))}));
    BOOST_TEST_REQUIRE(look_from_outside(dir.layout()) == 0);
    BOOST_TEST(std::filesystem::exists(log_of(dir.layout())));
    batch more;
    more.records = {of_run(record_kind::run_ended, run_number(1), 1, recorded_state::success)};
    store->append(more);
    BOOST_TEST(records_of(*open_sqlite_reader(dir.layout()), run_number(1)).size() == 2U);
    BOOST_TEST(look_from_outside(dir.layout()) == 0);
}

BOOST_AUTO_TEST_CASE(an_older_copy_in_its_place_is_noticed)
{
    const scratch_dir dir;
    open_sqlite_store(dir.layout())->append(run_with({of_run(record_kind::run_started, run_number(1))}));
    const auto backup = dir.path() / "backup";
    std::filesystem::copy(dir.layout().database(), backup);
    batch more;
    more.records = {of_run(record_kind::run_ended, run_number(1), 1, recorded_state::success)};
    open_sqlite_store(dir.layout())->append(more);
    std::filesystem::rename(backup, dir.layout().database());
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                          says(store_error_kind::corrupt, "jobs that were launched since may then be launched again"));
}

BOOST_AUTO_TEST_CASE(a_mark_that_says_nothing_proves_nothing)
{
    for (const auto* text : {"", "the journal has reached record 0000000000000000000x\n", "\0\0\0\0"}) {
        const killed_engine left;
        std::ofstream(left.layout().mark(), std::ios::trunc) << text;
        BOOST_CHECK_NO_THROW(close_properly(left.layout()));
    }
}

BOOST_AUTO_TEST_CASE(a_copy_without_its_mark_is_accepted)
{
    const killed_engine left;
    tamper(left.layout(), "VACUUM INTO '" + (left.layout().directory() / "copy.db").string() + "'");
    const scratch_dir elsewhere;
    std::filesystem::rename(left.layout().directory() / "copy.db", elsewhere.layout().database());
    BOOST_TEST(records_of(*open_sqlite_store(elsewhere.layout()), run_number(1)).size() == 10U);
}

BOOST_AUTO_TEST_CASE(an_empty_journal_is_refused)
{
    const scratch_dir dir;
    std::ofstream(dir.layout().database()).flush();
    check_both_refuse(dir.layout(), "it is empty (0 bytes)");
}

BOOST_AUTO_TEST_CASE(a_journal_cut_off_in_its_header_is_refused)
{
    const killed_engine left;
    close_properly(left.layout());
    std::filesystem::resize_file(left.layout().database(), 60);
    check_both_refuse(left.layout(), "cut off after 60 bytes");
}

BOOST_AUTO_TEST_CASE(a_journal_cut_off_later_is_refused)
{
    const killed_engine left(5'000);
    close_properly(left.layout());
    const auto size = std::filesystem::file_size(left.layout().database());
    const auto rest = size / 2 / 4096 * 4096;
    std::filesystem::resize_file(left.layout().database(), rest);
    check_both_refuse(left.layout(), "cut off: " + std::to_string(rest) + " of " + std::to_string(size) + " bytes");
}

BOOST_AUTO_TEST_CASE(a_log_without_its_journal_is_refused)
{
    const killed_engine left;
    std::filesystem::remove(left.layout().database());
    check_both_refuse(left.layout(), "its write-ahead log 'potoo.db-wal' is there");
    BOOST_TEST(!std::filesystem::exists(left.layout().database()));
}

BOOST_AUTO_TEST_CASE(a_mark_without_its_journal_is_refused)
{
    const killed_engine left;
    close_properly(left.layout());
    std::filesystem::remove(left.layout().database());
    check_both_refuse(left.layout(), "it is missing, though 'potoo.mark' says that it has reached record 10");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_refused)
{
    const scratch_dir dir;
    std::ofstream(dir.layout().database()) << std::string(10'000, 'x');
    check_both_refuse(dir.layout(), "it is not an SQLite database");
}

BOOST_AUTO_TEST_CASE(a_directory_in_the_place_of_the_journal_is_refused)
{
    const scratch_dir dir;
    std::filesystem::create_directory(dir.layout().database());
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                          says(store_error_kind::io, "is not a file"));
}

BOOST_AUTO_TEST_CASE(a_file_in_the_place_of_the_directory_is_no_missing_journal)
{
    const scratch_dir dir;
    const auto file = dir.path() / "nightly.yaml";
    std::ofstream(file) << "tasks: {}\n";
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(state_layout(file)), store_error,
                          says(store_error_kind::io, "nightly.yaml' is not a directory"));
    BOOST_CHECK_EXCEPTION((void)state_lock::acquire(state_layout(file)), store_error,
                          says(store_error_kind::io, "choose another place with --state"));
}

BOOST_AUTO_TEST_CASE(what_is_left_of_a_creation_that_was_broken_off_is_thrown_away)
{
    const scratch_dir dir;
    std::ofstream(dir.layout().database().string() + ".new") << "SQLite fo";
    open_sqlite_store(dir.layout())->append(run_with({}));
    BOOST_TEST(open_sqlite_reader(dir.layout())->runs({}).size() == 1U);
    BOOST_TEST(!std::filesystem::exists(dir.layout().database().string() + ".new"));
}

BOOST_AUTO_TEST_SUITE_END()
