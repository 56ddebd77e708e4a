// The engine dies at each point of a statement's life: it is carried out once, or the doubt is said.

#include "tests/integration/backends/postgres/database.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

using namespace potoo;
using namespace potoo::test;
using conformance::gate_side;
using conformance::trial_engine;
using journal::record_kind;
using schedule::run_state;

namespace {

/// `potoo-` begins every launch token.
int statements_under_way()
{
    return std::stoi(
        ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
            "AND pid <> pg_backend_pid() AND query LIKE '%trial%'"));
}

struct trial_fixture
{
    trial_fixture() { ask("DROP TABLE IF EXISTS trial; CREATE TABLE trial (n int)"); }

    void start(std::string_view with, std::string_view fields = {}, std::string_view of_run = {})
    {
        engine.start(fmt::format("params: {{db: {{type: string}}}}\n"
                                 "connections: {{sql: {{type: sql, url: \"${{{{ params.db }}}}\"}}}}\n{}\n"
                                 "tasks:\n  job:\n    operator: sql\n    with: {{{}}}\n{}\n",
                                 of_run, with, fields),
                     {{"db", conninfo()}});
    }

    void start_slow(std::string_view more = {}, std::string_view fields = {})
    {
        start(fmt::format("{}{}", slow, more), fields);
        engine.run_until([] { return statements_under_way() > 0; });
    }

    /// What slept an hour before does not any more.
    static void make_fast()
    {
        ask("CREATE SCHEMA IF NOT EXISTS quick; CREATE OR REPLACE FUNCTION quick.pg_sleep(double precision) RETURNS "
            "int "
            "LANGUAGE sql AS 'SELECT 1'; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = quick, "
            "pg_catalog, public', current_database()); END $$");
    }

    static void make_slow()
    {
        ask("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$");
    }

    ~trial_fixture() { make_slow(); }

    static std::string rows() { return ask("SELECT count(*) FROM trial"); }

    /// The engine dies at that record and comes up again.
    void survive(record_kind kind, gate_side side, std::string_view more = {})
    {
        engine.stop_at(kind, side);
        start(fmt::format("statement: insert into trial values (1) returning n{}", more));
        engine.run_until_stopped();
        engine.crash();
        engine.come_up();
    }

    void require_done_once()
    {
        BOOST_TEST((engine.finish() == run_state::success), json::serialize(engine.error()));
        BOOST_TEST(rows() == "1");
        BOOST_TEST(json::serialize(engine.output().at("rows")) == R"([{"n":1}])");
        BOOST_TEST(statements_under_way() == 0);
    }

    static constexpr std::string_view slow = "statement: insert into trial select 1 from pg_sleep(3600) returning n";

    trial_engine engine;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sql_trials, trial_fixture)

BOOST_AUTO_TEST_CASE(statement_is_carried_out_once_when_nothing_breaks)
{
    start("statement: insert into trial values (1) returning n");
    require_done_once();
    BOOST_TEST(engine.recorded(record_kind::launch_intent) == 1);
}

BOOST_AUTO_TEST_CASE(crash_before_the_intent)
{
    survive(record_kind::launch_intent, gate_side::before);
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_after_the_intent)
{
    survive(record_kind::launch_intent, gate_side::after);
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_before_the_commit_is_recorded)
{
    survive(record_kind::step_recorded, gate_side::before);
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_between_the_record_and_the_commit)
{
    survive(record_kind::step_recorded, gate_side::after);
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_after_the_commit)
{
    survive(record_kind::attempt_ended, gate_side::before);
    require_done_once();
    BOOST_TEST(engine.recorded(record_kind::step_recorded) == 1);
}

BOOST_AUTO_TEST_CASE(crash_while_it_runs_ends_it_and_runs_it_again)
{
    start_slow();
    make_fast();
    engine.crash();
    engine.come_up();
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_while_it_runs_leaves_the_outcome_open_without_a_transaction)
{
    start_slow(", transaction: false", "    retry: {limit: 3, delay: 10ms}");
    make_fast();
    engine.crash();
    engine.come_up();
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(engine.error().at("class") == "unknown_outcome");
    BOOST_TEST(engine.recorded(record_kind::attempt_ended) == 1);
    BOOST_TEST(rows() == "0");
    BOOST_TEST(statements_under_way() == 0);
}

BOOST_AUTO_TEST_CASE(crash_while_it_runs_repeats_what_is_idempotent)
{
    start_slow(", transaction: false, idempotent: true");
    make_fast();
    engine.crash();
    engine.come_up();
    require_done_once();
}

BOOST_AUTO_TEST_CASE(crash_after_it_was_carried_out_without_a_transaction_leaves_the_outcome_open)
{
    survive(record_kind::attempt_ended, gate_side::before, ", transaction: false");
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(engine.error().at("class") == "unknown_outcome");
    BOOST_TEST(rows() == "1");
}

BOOST_AUTO_TEST_CASE(cancellation_while_the_engine_is_down_ends_the_statement)
{
    start_slow();
    engine.crash();
    engine.cancel_while_down();
    engine.come_up();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(statements_under_way() == 0);
    BOOST_TEST(engine.unconfirmed() == 0);
    BOOST_TEST(rows() == "0");
}

BOOST_AUTO_TEST_CASE(cancellation_ends_the_statement)
{
    start_slow();
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(statements_under_way() == 0);
    BOOST_TEST(!engine.error().contains("remote"));
}

BOOST_AUTO_TEST_CASE(timeout_ends_the_statement)
{
    start(slow, "    timeout: 2s");
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(engine.error().at("code") == "timed_out");
    BOOST_TEST(statements_under_way() == 0);
}

BOOST_AUTO_TEST_CASE(deadline_ends_the_statement)
{
    start(slow, {}, "deadline: 2s");
    BOOST_TEST((engine.finish() == run_state::timed_out));
    BOOST_TEST(statements_under_way() == 0);
}

BOOST_AUTO_TEST_CASE(password_is_nowhere_in_the_journal)
{
    engine.start(
        fmt::format("params: {{db: {{type: string}}}}\nconnections: {{sql: {{type: sql, url: \"${{{{ params.db "
                    "}}}}\", password: hush-hush}}}}\ntasks:\n  job:\n    operator: sql\n    with: {{statement: "
                    "\"select 'hush-hush' as said\"}}\n"),
        {{"db", conninfo()}});
    BOOST_TEST((engine.finish() == run_state::success));
    BOOST_TEST(json::serialize(engine.output().at("rows")) == R"([{"said":"***"}])");
}

BOOST_AUTO_TEST_SUITE_END()
