/// Journals of older versions of the schema go on.

#include "engine/journal/sqlite_store.hpp"

#include "samples.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>
#include <string>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

/// What a potoo of then has written.
void make_version(const state_layout& layout, int version, const char* file)
{
    std::ifstream in(file);
    BOOST_REQUIRE(in.good());
    std::ostringstream sql;
    sql << in.rdbuf();
    tamper(layout, "PRAGMA journal_mode = WAL;" + sql.str());
    BOOST_REQUIRE(ask(layout, "PRAGMA user_version") == version);
}

void make_version_1(const state_layout& layout)
{
    make_version(layout, 1, POTOO_VERSION_1_SQL);
}

} // namespace

BOOST_AUTO_TEST_SUITE(migration)

BOOST_AUTO_TEST_CASE(who_only_reads_brings_version_1_up_to_date_too)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    BOOST_TEST(open_sqlite_reader(dir.layout())->runs({}).size() == 2U);
    BOOST_TEST(ask(dir.layout(), "PRAGMA user_version") == 3);
    BOOST_TEST(!state_lock::is_held(dir.layout()));
}

BOOST_AUTO_TEST_CASE(items_of_version_1_that_waited_when_their_task_ended_are_cancelled)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    tamper(dir.layout(), "UPDATE task_snapshot SET success = 0, retrying = 1 WHERE task = 1");
    const auto align = open_sqlite_reader(dir.layout())->tasks(run_number(1)).at(1);
    BOOST_TEST(align.counts[static_cast<std::size_t>(recorded_state::retrying)] == 0U);
    BOOST_TEST(align.counts[static_cast<std::size_t>(recorded_state::cancelled)] == 1U);
    BOOST_TEST(align.counts[static_cast<std::size_t>(recorded_state::failed)] == 1U);
}

BOOST_AUTO_TEST_CASE(runs_of_version_1_are_listed_and_read)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    (void)open_sqlite_store(dir.layout());
    const auto r = open_sqlite_reader(dir.layout());
    const auto runs = r->runs({});
    BOOST_REQUIRE(runs.size() == 2U);
    BOOST_TEST((runs[1].dag_name == "nightly" && runs[1].state == recorded_state::failed && runs[1].ended));
    BOOST_TEST(runs[1].params == R"({"cohort":"a"})");
    BOOST_TEST((r->dag_of(run_number(1)).tasks == std::vector<std::string>{"list", "align", "merge"}));
    const auto tasks = r->tasks(run_number(1));
    BOOST_REQUIRE(tasks.size() == 3U);
    BOOST_TEST(tasks[0].output == "[1,2]");
    BOOST_TEST((tasks[2].state == recorded_state::upstream_failed));
    BOOST_TEST(records_of(*r, run_number(1)).size() == 13U);
    BOOST_TEST(logs_of(*r, {.run = run_number(1)}).size() == 1U);
    BOOST_TEST(r->unconfirmed(std::nullopt).empty());
}

BOOST_AUTO_TEST_CASE(an_unfinished_run_of_version_1_goes_on)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    {
        const auto s = open_sqlite_store(dir.layout());
        const auto unfinished = s->runs({.unfinished = true});
        BOOST_REQUIRE(unfinished.size() == 1U);
        BOOST_TEST(unfinished[0].number.value() == 2U);
        BOOST_TEST((records_of(*s, run_number(2)).back().kind == record_kind::attempt_started));
        BOOST_TEST(s->claim(run_number(2), "engine") == 2U);
        BOOST_TEST(s->next_run().value() == 3U);
        auto unconfirmed = of_item(record_kind::remote_unconfirmed, 1, 0, 1, 5);
        unconfirmed.run = run_number(2);
        unconfirmed.name = "token";
        auto end = of_run(record_kind::run_ended, run_number(2), 9, recorded_state::cancelled);
        batch b;
        b.records = {unconfirmed, end};
        s->append(b);
        while (s->maintain()) {}
    }
    const auto r = open_sqlite_reader(dir.layout());
    BOOST_TEST(r->runs({.unreconciled = true}).size() == 1U);
    BOOST_TEST(records_of(*r, run_number(2)).size() == 8U);
}

BOOST_AUTO_TEST_CASE(runs_of_version_1_can_be_removed)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    const auto s = open_sqlite_store(dir.layout());
    pruned all;
    do
        all += s->prune({.keep_runs = 0}, instant(0), 1'000);
    while (all.more);
    BOOST_TEST(all.runs == 1U);
    BOOST_TEST(all.records == 13U);
    BOOST_TEST(s->runs({}).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_numbers_mean_is_in_the_file_after_a_migration)
{
    const scratch_dir dir;
    make_version_1(dir.layout());
    (void)open_sqlite_store(dir.layout());
    BOOST_TEST(ask(dir.layout(), "PRAGMA user_version") == 3);
    BOOST_TEST(ask(dir.layout(), "SELECT count(*) FROM kind_name WHERE written <> ''") ==
               static_cast<std::int64_t>(record_kinds.size()));
}

BOOST_AUTO_TEST_CASE(version_2_gets_entries_and_origins)
{
    const scratch_dir dir;
    make_version(dir.layout(), 2, POTOO_VERSION_2_SQL);
    const auto s = open_sqlite_store(dir.layout());
    BOOST_TEST(ask(dir.layout(), "PRAGMA user_version") == 3);
    const auto runs = s->runs({});
    BOOST_REQUIRE(runs.size() == 2U);
    BOOST_TEST(runs[0].origin.empty());
    BOOST_TEST(s->tasks(run_number(1)).at(0).output == "[1,2]");
    BOOST_TEST(records_of(*s, run_number(2)).size() == 6U);
    auto next = sample_run(run_number(3), "kq3v9z01abcd");
    next.origin = R"({"by":"api"})";
    batch b;
    b.runs = {next};
    b.changes = {{entry_verb::insert, "token", "a", "{}"}};
    BOOST_TEST(s->append(b).changes.front());
    BOOST_TEST(s->runs({.origin_by = "api"}).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
