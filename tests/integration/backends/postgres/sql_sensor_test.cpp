#include "tests/integration/backends/postgres/database.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::test;

namespace {

struct sensor_fixture : database_fixture
{
    json::value sensed(json::object with)
    {
        with["interval"] = "10ms";
        with["timeout"] = "300ms";
        return run(make("sql_sensor", std::move(with)).perform());
    }

    bool is_true(const char* what) { return sensed({{"statement", std::string("select ") + what}}).is_object(); }

    bool is_not_yet(const char* what)
    {
        try {
            is_true(what);
        } catch (const failure& f) {
            return f.code() == "timed_out";
        }
        return false;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sql_sensor, sensor_fixture)

BOOST_AUTO_TEST_CASE(first_cell_decides)
{
    for (const char* what : {"true", "1", "-0.5::float8", "0.1::numeric", "123456789012345678901234567890::numeric"})
        BOOST_TEST(is_true(what), what);
    for (const char* what :
         {"false", "0", "0.0::float8", "0.00000000000000000000::numeric", "null::bool", "true where false"})
        BOOST_TEST(is_not_yet(what), what);
}

BOOST_AUTO_TEST_CASE(output_is_the_first_row)
{
    const auto out =
        sensed({{"statement", "select count(*) > $1, 7 as n from generate_series(1, 3)"}, {"parameters", {2}}});
    BOOST_TEST(json::serialize(out) == R"({"value":true,"row":{"?column?":true,"n":7}})");
}

BOOST_AUTO_TEST_CASE(it_looks_again_until_it_is_true)
{
    ask("DROP TABLE IF EXISTS seen; CREATE TABLE seen (n int)");
    auto& ctx = make("sql_sensor", {{"statement", "select exists (select from seen)"}, {"interval", "20ms"}});
    started_task<json::value> t(loop, ctx.perform());
    run_until([&] { return sessions(ctx.launch_name.value()) > 0; });
    BOOST_TEST(!t.ended());
    BOOST_TEST(ctx.deferred);
    ask("INSERT INTO seen VALUES (1)");
    BOOST_TEST(finish(t).at("value") == true);
}

BOOST_AUTO_TEST_CASE(what_is_no_condition_is_fatal)
{
    for (const char* what : {"'t'::text", "now()", "'true'::json is null, nothing"})
        BOOST_CHECK_THROW(is_true(what), fatal);
}

BOOST_AUTO_TEST_CASE(looking_changes_nothing)
{
    BOOST_CHECK_EXCEPTION(sensed({{"statement", "create table seen_too ()"}}), fatal,
                          [](const fatal& f) { return f.code() == "sql_25006"; });
}

BOOST_AUTO_TEST_CASE(server_that_is_away_is_not_yet)
{
    settings = {{"type", "sql"}, {"host", "127.0.0.1"}, {"port", 1}, {"user", "x"}};
    BOOST_TEST(is_not_yet("true"));
    BOOST_REQUIRE(!made->lines.empty());
    BOOST_TEST(made->lines[0].starts_with("not yet: "));
}

BOOST_AUTO_TEST_SUITE_END()
