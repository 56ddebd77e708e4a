#include "tests/integration/backends/postgres/database.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <cstdlib>

using namespace potoo;
using namespace potoo::test;

namespace {

json::value first_row(const json::value& output)
{
    return output.at("rows").at(0);
}

json::value parsed(std::string_view text)
{
    return json::parse(json::string_view(text.data(), text.size()));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(sql, database_fixture)

BOOST_AUTO_TEST_CASE(values_keep_their_kind)
{
    const auto out = run_sql({{"statement", R"(select true as b, 7::int2 as small, 9223372036854775807 as big,
        0.1::float8 as f, 'NaN'::float8 as nan, 1.50::numeric as n, 123456789012345678901234567890::numeric as huge,
        0.12345678901234567890::numeric as fine, null::int as nothing, '{"a": [1, null]}'::jsonb as j, '"x"'::json as k,
        '\x00ff10'::bytea as bytes, array[1,2] as list, 'zwölf' as t, timestamp '2024-02-29 12:00:00.5' as at,
        date '2024-02-29' as day, 'd4f5e2a0-0000-4000-8000-000000000001'::uuid as id)"}});
    const auto expected =
        parsed(R"({"b": true, "small": 7, "big": 9223372036854775807, "f": 0.1, "nan": "NaN", "n": 1.5,
        "huge": "123456789012345678901234567890", "fine": "0.12345678901234567890", "nothing": null, "j": {"a": [1, null]},
        "k": "x", "bytes": "AP8Q", "list": "{1,2}", "t": "zwölf", "at": "2024-02-29 12:00:00.5", "day": "2024-02-29",
        "id": "d4f5e2a0-0000-4000-8000-000000000001"})");
    BOOST_TEST(json::serialize(first_row(out)) == json::serialize(expected));
}

BOOST_AUTO_TEST_CASE(output_tells_of_the_statement)
{
    ask("DROP TABLE IF EXISTS told; CREATE TABLE told (n int)");
    auto out = run_sql({{"statement", "insert into told select generate_series(1, 3)"}});
    BOOST_TEST(json::serialize(out) ==
               R"({"row_count":0,"rows":[],"columns":[],"rows_affected":3,"command":"INSERT","truncated":false})");
    out = run_sql({{"statement", "create table told_too ()"}});
    BOOST_TEST(out.at("command") == "CREATE TABLE");
    BOOST_TEST(out.at("rows_affected").is_null());
    out = run_sql({{"statement", "update told set n = n + 1 where n > 1 returning n"}});
    BOOST_TEST(json::serialize(out.at("rows")) == R"([{"n":3},{"n":4}])");
    BOOST_TEST(ask("select string_agg(n::text, ',' order by n) from told") == "1,3,4");
}

BOOST_AUTO_TEST_CASE(no_row_has_columns_all_the_same)
{
    const auto out = run_sql({{"statement", "select 1 as a, 2 as b where false"}});
    BOOST_TEST(json::serialize(out.at("columns")) == R"(["a","b"])");
    BOOST_TEST(out.at("rows").as_array().empty());
}

BOOST_AUTO_TEST_CASE(columns_of_the_same_name_are_all_there)
{
    const auto out = run_sql({{"statement", "select 1 as id, 2 as id, 3 as id_2"}});
    BOOST_TEST(json::serialize(first_row(out)) == R"({"id":1,"id_2":2,"id_2_2":3})");
}

BOOST_AUTO_TEST_CASE(parameters_are_values_whatever_they_hold)
{
    const auto out =
        run_sql({{"statement", "select $1::text as t, $2::int as n, $3::bool as b, $4::text is null as "
                               "nothing, $5::jsonb as list, $6::jsonb -> 'k' as map, $7::float8 as f"},
                 {"parameters", parsed(R"(["'; drop table x; --", 12, false, null, [1, "a"], {"k": 5}, 0.1])")}});
    const auto expected = parsed(
        R"({"t": "'; drop table x; --", "n": 12, "b": false, "nothing": true, "list": [1, "a"], "map": 5, "f": 0.1})");
    BOOST_TEST(json::serialize(first_row(out)) == json::serialize(expected));
}

BOOST_AUTO_TEST_CASE(rows_beyond_the_limit_are_not_kept)
{
    auto out = run_sql({{"statement", "select generate_series(1, 5000) as n"}});
    BOOST_TEST(out.at("row_count") == 1000);
    BOOST_TEST(out.at("truncated") == true);
    BOOST_TEST(out.at("rows_affected") == 5000);
    out = run_sql({{"statement", "select generate_series(1, 3) as n"}, {"max_rows", 3}});
    BOOST_TEST(out.at("truncated") == false);
    out = run_sql({{"statement", "select generate_series(1, 3) as n"}, {"max_rows", 0}});
    BOOST_TEST(out.at("row_count") == 0);
    BOOST_TEST(out.at("truncated") == true);
}

BOOST_AUTO_TEST_CASE(statement_that_only_reads_is_cancelled_when_there_are_rows_enough)
{
    const auto out =
        run_sql({{"statement", "select generate_series(1, 2000000000) as n"}, {"read_only", true}, {"max_rows", 2}});
    BOOST_TEST(json::serialize(out.at("rows")) == R"([{"n":1},{"n":2}])");
    BOOST_TEST(out.at("truncated") == true);
    BOOST_TEST(out.at("rows_affected").is_null());
    BOOST_TEST(active_sessions(made->launch_name.value()) == 0);
}

BOOST_AUTO_TEST_CASE(rows_that_are_too_large_are_not_kept_and_that_is_said)
{
    const auto out = run_sql({{"statement", "select repeat('x', 1000000) as x from generate_series(1, 6)"}});
    BOOST_TEST(out.at("row_count") == 3);
    BOOST_TEST(out.at("truncated") == true);
    BOOST_REQUIRE(!made->lines.empty());
    BOOST_TEST(made->lines.back() == "not all rows are kept: all together have at most 4 MB");
}

BOOST_AUTO_TEST_CASE(notices_are_in_the_log)
{
    run_sql({{"statement", "do $$ begin raise notice 'half way'; end $$"}});
    BOOST_REQUIRE(made->lines.size() == 1);
    BOOST_TEST(made->lines[0].find("half way") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(session_carries_the_token_while_it_runs)
{
    auto& ctx = make("sql", {{"statement", "select pg_sleep(3600)"}});
    started_task<json::value> t(loop, ctx.perform());
    run_until_active(ctx.launch_name.value());
    BOOST_TEST(ctx.deferred);
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
}

BOOST_AUTO_TEST_CASE(cancelled_statement_really_stops)
{
    ask("DROP TABLE IF EXISTS stopped; CREATE TABLE stopped (n int)");
    for (const bool transaction : {true, false}) {
        auto& ctx = make(
            "sql", {{"statement", "insert into stopped select 1 from pg_sleep(3600)"}, {"transaction", transaction}});
        started_task<json::value> t(loop, ctx.perform());
        run_until_active(ctx.launch_name.value());
        t.cancel(cancel_reason::user);
        BOOST_CHECK_THROW(finish(t), cancelled);
        BOOST_TEST(active_sessions(ctx.launch_name.value()) == 0);
        BOOST_TEST(ctx.unconfirmed.empty());
        BOOST_TEST(ask("select count(*) from stopped") == "0");
    }
}

BOOST_AUTO_TEST_CASE(statement_that_will_not_be_cancelled_loses_its_session)
{
    auto& ctx = make("sql", {{"statement", R"(do $$ begin loop begin perform pg_sleep(3600);
        exception when query_canceled then null; end; end loop; end $$)"}});
    started_task<json::value> t(loop, ctx.perform());
    run_until_active(ctx.launch_name.value());
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(sessions(ctx.launch_name.value()) == 0);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(stopping_engine_ends_the_statement_and_undoes_nothing_else)
{
    auto& ctx = make("sql", {{"statement", "select pg_sleep(3600)"}});
    started_task<json::value> t(loop, ctx.perform());
    run_until_active(ctx.launch_name.value());
    t.cancel(cancel_reason::shutdown);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(active_sessions(ctx.launch_name.value()) == 0);
    BOOST_TEST(ctx.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(what_was_set_in_a_session_is_not_the_next_tasks)
{
    settings["connections"] = 1;
    run_sql({{"statement", "set lock_timeout = '7s'"}, {"transaction", false}});
    run_sql({{"statement", "create temp table left_here (n int)"}, {"transaction", false}});
    const auto out = run_sql({{"statement", "select current_setting('lock_timeout') as t, to_regclass('left_here') is "
                                            "null as gone, pg_backend_pid() as pid"}});
    BOOST_TEST(first_row(out).at("t") == "0");
    BOOST_TEST(first_row(out).at("gone") == true);
    const auto again = run_sql({{"statement", "select pg_backend_pid() as pid"}});
    BOOST_TEST(first_row(again).at("pid") == first_row(out).at("pid"));
}

BOOST_AUTO_TEST_CASE(what_cannot_run_in_a_transaction_runs_without_one)
{
    ask("DROP TABLE IF EXISTS cleaned; CREATE TABLE cleaned (n int)");
    const auto out = run_sql({{"statement", "vacuum cleaned"}, {"transaction", false}});
    BOOST_TEST(out.at("command") == "VACUUM");
}

BOOST_AUTO_TEST_CASE(environment_says_where_when_no_connection_does)
{
    ::setenv("PGOPTIONS", "-c lock_timeout=11s", 1);
    const auto out = run_sql({{"statement", "select current_setting('lock_timeout') as t"}});
    ::unsetenv("PGOPTIONS");
    BOOST_TEST(first_row(out).at("t") == "11s");
}

BOOST_AUTO_TEST_SUITE_END()
