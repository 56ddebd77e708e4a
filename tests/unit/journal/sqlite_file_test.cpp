/// What may be wrong with `potoo.db`, and reading it while it is written.

#include "engine/journal/sqlite_store.hpp"

#include "samples.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

void write_journal(const state_layout& layout, std::int64_t records)
{
    const auto store = open_sqlite_store(layout);
    auto b = run_with({});
    for (std::int64_t i = 0; i < records; ++i)
        b.records.push_back(ended(0, 0, 1, recorded_state::success, i, R"({"path":"/data/results/final.bam"})"));
    store->append(b);
}

} // namespace

BOOST_AUTO_TEST_SUITE(sqlite_file)

BOOST_AUTO_TEST_CASE(a_newer_version_is_refused_with_both_versions_named)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 1);
    tamper(dir.layout(), "PRAGMA user_version = 7");
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                          says(store_error_kind::newer_version, "version 7, this potoo knows versions up to 3"));
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout()), store_error,
                          says(store_error_kind::newer_version, "version 7"));
}

BOOST_AUTO_TEST_CASE(a_version_that_nobody_writes_is_damage)
{
    for (const char* version : {"-1", "0"}) {
        const scratch_dir dir;
        write_journal(dir.layout(), 1);
        tamper(dir.layout(), std::string("PRAGMA user_version = ") + version);
        BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                              says(store_error_kind::corrupt, "schema version"));
        BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout()), store_error,
                              says(store_error_kind::corrupt, "schema version"));
    }
}

BOOST_AUTO_TEST_CASE(a_record_number_that_leaves_no_room_is_damage)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 1);
    tamper(dir.layout(), "UPDATE journal SET seq = 9223372036854775807 WHERE seq = (SELECT max(seq) FROM journal)");
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                          says(store_error_kind::corrupt, "its last record has the number 9223372036854775807"));
}

BOOST_AUTO_TEST_CASE(a_record_before_the_first_is_damage)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 2);
    tamper(dir.layout(), "UPDATE journal SET seq = 0, checksum = NULL WHERE seq = 1");
    BOOST_CHECK_EXCEPTION(records_of(*open_sqlite_reader(dir.layout()), run_number(1)), store_error,
                          says(store_error_kind::corrupt, "record 0"));
}

BOOST_AUTO_TEST_CASE(an_older_version_that_an_engine_holds_is_refused)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 1);
    tamper(dir.layout(), "PRAGMA user_version = 1");
    const auto held = state_lock::acquire(dir.layout());
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout()), store_error,
                          says(store_error_kind::older_version, "is in use by process"));
}

BOOST_AUTO_TEST_CASE(a_database_of_another_program_is_refused_and_left_alone)
{
    const scratch_dir dir;
    tamper(dir.layout(), "CREATE TABLE bookmarks (url TEXT)");
    BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout()), store_error,
                          says(store_error_kind::foreign, "another program"));
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout()), store_error,
                          says(store_error_kind::foreign, "--state"));
    tamper(dir.layout(), "DROP TABLE bookmarks");
}

BOOST_AUTO_TEST_CASE(overwritten_pages_are_found_when_they_are_read)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 20'000);
    {
        std::fstream file(dir.layout().database(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096L * 60);
        file << std::string(4096L * 100, '\x5a');
    }
    BOOST_CHECK_EXCEPTION(records_of(*open_sqlite_reader(dir.layout()), run_number(1)), store_error,
                          says(store_error_kind::corrupt, "damaged"));
}

BOOST_AUTO_TEST_CASE(a_kind_that_is_not_known_is_an_error_not_a_guess)
{
    const scratch_dir dir;
    write_journal(dir.layout(), 3);
    tamper(dir.layout(), "UPDATE journal SET kind = 200 WHERE seq = 2");
    BOOST_CHECK_EXCEPTION(records_of(*open_sqlite_reader(dir.layout()), run_number(1)), store_error,
                          says(store_error_kind::corrupt, "200"));
}

BOOST_AUTO_TEST_CASE(where_no_journal_was_written_none_is_found)
{
    const scratch_dir dir;
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout()), store_error,
                          says(store_error_kind::not_found, dir.path().string()));
    BOOST_TEST(std::filesystem::is_empty(dir.path()));
}

BOOST_AUTO_TEST_CASE(readers_see_what_is_durable_while_an_engine_writes)
{
    const scratch_dir dir;
    const auto held = state_lock::acquire(dir.layout());
    const auto store = open_sqlite_store(dir.layout());
    store->append(run_with({of_run(record_kind::run_started, run_number(1))}));
    const auto reader = open_sqlite_reader(dir.layout());
    batch more;
    for (int i = 1; i <= 50; ++i) {
        more.records.assign(10, ended(0, 0, 1, recorded_state::success, i));
        store->append(more);
        BOOST_REQUIRE(records_of(*reader, run_number(1)).size() == 1U + 10U * static_cast<unsigned>(i));
    }
    std::size_t seen = 0;
    reader->records(run_number(1), record_seq(0), [&](record_seq, const record&) {
        if (seen++ == 0)
            store->append(more);
        return true;
    });
    BOOST_TEST(seen == 501U);
    BOOST_TEST(reader->runs({.unfinished = true}).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_batch_that_fails_leaves_nothing_and_can_be_given_again)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    store->append(run_with({of_run(record_kind::run_started, run_number(1))}));
    batch b;
    b.runs.push_back(sample_run(run_number(2), "kq3v9z01abcd"));
    b.records.assign(2'000, ended(0, 0, 1, recorded_state::success, 1));
    BOOST_CHECK_THROW(store->append(b), store_error);
    BOOST_TEST(records_of(*store, run_number(1)).size() == 1U);
    BOOST_TEST(store->next_run().value() == 2U);
    b.runs[0].id = run_id("another00000");
    store->append(b);
    BOOST_TEST(records_of(*store, run_number(1)).size() == 2'001U);
}

BOOST_AUTO_TEST_SUITE_END()
