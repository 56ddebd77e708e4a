#include "tests/integration/backends/postgres/database.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/postgres.hpp>

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <fstream>
#include <list>

using namespace potoo;
using namespace potoo::test;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_freed_memory = true;
#elif defined(__has_feature)
constexpr bool keeps_freed_memory = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool keeps_freed_memory = false;
#endif

/// Largest resident memory so far, in MiB.
std::size_t peak_memory()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:"))
            return std::stoul(line.substr(6)) / 1024;
    }
    throw std::runtime_error("the system does not tell the memory used");
}

struct counted_rows final : postgres::row_sink
{
    void columns(std::span<const postgres::column>) override {}

    wish row(std::span<const postgres::cell> cells) override
    {
        ++rows;
        bytes += cells[0]->size();
        return wish::more;
    }

    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};

struct connection_fixture : database_fixture
{
    /// As the operators read them.
    postgres::settings where() { return postgres::read_settings(make("sql", {{"statement", "x"}})); }
};

task<> sleep_a_little(postgres::pool& p, int n, std::size_t& most_open)
{
    auto c = co_await p.acquire("potoo many");
    most_open = std::max(most_open, p.open_connections());
    const std::string statement = "select pg_sleep(0.05), $1::int";
    const std::vector<postgres::parameter> parameters{std::to_string(n)};
    counted_rows rows;
    co_await c->query(statement, parameters, rows);
}

task<> tick(std::uint64_t& ticks)
{
    for (;;) {
        co_await sleep_for(duration{1});
        ++ticks;
    }
}

task<> many_at_once(postgres::pool& p, std::size_t& most_open)
{
    std::vector<task<>> all_of_them;
    for (int i = 0; i < 100; ++i)
        all_of_them.push_back(sleep_a_little(p, i, most_open));
    co_await all(std::move(all_of_them));
}

task<> stream(postgres::pool& p, counted_rows& rows)
{
    auto c = co_await p.acquire("potoo stream");
    const std::string statement = "select repeat('x', 1000) from generate_series(1, 300000)";
    const std::vector<postgres::parameter> none;
    co_await c->query(statement, none, rows);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(connections, connection_fixture)

BOOST_AUTO_TEST_CASE(large_result_fills_no_memory)
{
    postgres::pool p(loop, where());
    const std::size_t before = peak_memory();
    counted_rows rows;
    run(stream(p, rows));
    BOOST_TEST(rows.rows == 300'000);
    BOOST_TEST(rows.bytes == 300'000'000);
    // A sanitizer keeps what was freed.
    if (!keeps_freed_memory)
        BOOST_TEST(peak_memory() - before < 32);
}

BOOST_AUTO_TEST_CASE(large_parameter_goes_through)
{
    std::string large;
    large.assign(20'000'000, 'x');
    const auto out = run_sql({{"statement", "select length($1) as n"}, {"parameters", {large}}});
    BOOST_TEST(out.at("rows").at(0).at("n") == 20'000'000);
}

BOOST_AUTO_TEST_CASE(many_queries_share_few_connections_and_the_loop_goes_on)
{
    postgres::pool p(loop, where());
    std::size_t most_open = 0;
    std::uint64_t ticks = 0;
    started_task<void> ticking(loop, tick(ticks));
    run(many_at_once(p, most_open));
    BOOST_TEST(most_open == 8);
    // 100 queries of 50 ms on 8 connections: the loop had the time of some 600 turns.
    BOOST_TEST(ticks > 100);
    BOOST_TEST(p.open_connections() == 8);
    ticking.cancel(cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(settings_are_told_apart_without_being_told)
{
    postgres::settings a = where();
    postgres::settings b = a;
    BOOST_TEST(postgres::identity(a) == postgres::identity(b));
    a.parameters.emplace_back("password", "one-secret");
    b.parameters.emplace_back("password", "another-secret");
    BOOST_TEST(postgres::identity(a) != postgres::identity(b));
    BOOST_TEST(postgres::identity(a).find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(coroutine_that_is_destroyed_leaves_a_connection_that_is_not_used_again)
{
    settings["connections"] = 1;
    auto& ctx = make("sql", {{"statement", "select pg_sleep(3600)"}});
    {
        started_task<json::value> t(loop, ctx.perform());
        run_until_active(ctx.launch_name.value());
    }
    BOOST_TEST(run_sql({{"statement", "select 1"}}).at("row_count") == 1);
    // The server ends by itself what nobody waits for.
    run_until([&] { return active_sessions("potoo-run000000001-task") == 0; });
}

BOOST_AUTO_TEST_SUITE_END()
