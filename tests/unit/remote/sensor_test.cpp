#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/sensor.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

task<json::value> nothing(context&)
{
    co_return json::value();
}

task<std::optional<json::value>> answer_after(duration d, std::optional<json::value> v)
{
    co_await sleep_for(d);
    co_return v;
}

task<std::optional<json::value>> fail_with(std::exception_ptr e)
{
    co_await yield_now();
    std::rethrow_exception(e);
}

struct sensing : test::fixture
{
    test::fake_context ctx{loop, "sensing"};
    std::vector<steady_time> looks;

    json::value run(sensor_pace pace, std::function<task<std::optional<json::value>>(std::size_t)> look)
    {
        auto counted = [this, look] {
            looks.push_back(loop.now());
            return look(looks.size());
        };
        return test::fixture::run(sense(ctx, pace, counted));
    }
};

} // namespace

POTOO_OPERATOR("sensing", nothing, {.summary = "For tests.", .schema = R"({"type": "object"})"})

BOOST_FIXTURE_TEST_SUITE(sensors, sensing)

BOOST_AUTO_TEST_CASE(looks_at_the_pace_until_there_is_a_value)
{
    const sensor_pace pace{1'000ms, 3'000ms, 2.0, std::nullopt, false};
    const auto found = run(
        pace, [](std::size_t n) { return answer_after(0ms, n < 5 ? std::nullopt : std::optional(json::value(n))); });
    BOOST_TEST(found == json::value(5));
    BOOST_TEST_REQUIRE(looks.size() == 5u);
    const std::vector<duration> want{1'000ms, 2'000ms, 3'000ms, 3'000ms};
    for (std::size_t i = 0; i < want.size(); ++i)
        BOOST_CHECK(looks[i + 1] - looks[i] >= want[i] && looks[i + 1] - looks[i] <= want[i] + 3ms);
    BOOST_TEST(ctx.deferrals == 1);
    BOOST_TEST(!ctx.deferred);
}

BOOST_AUTO_TEST_CASE(times_out_between_looks_and_within_one)
{
    const sensor_pace between{1'000ms, 1'000ms, 1.0, 3'500ms, false};
    BOOST_CHECK_EXCEPTION(run(between, [](std::size_t) { return answer_after(0ms, std::nullopt); }), failure,
                          [](const failure& f) { return f.code() == "timed_out"; });
    BOOST_TEST(looks.size() == 4u);
    const sensor_pace within{0ms, 0ms, 1.0, 3'500ms, false};
    BOOST_CHECK_THROW(run(within, [](std::size_t) { return answer_after(1h, std::nullopt); }), failure);
    BOOST_TEST(looks.size() == 5u);
}

BOOST_AUTO_TEST_CASE(soft_fail_turns_failures_into_a_skip)
{
    const sensor_pace pace{1'000ms, 1'000ms, 1.0, 3'500ms, true};
    BOOST_CHECK_THROW(run(pace, [](std::size_t) { return answer_after(0ms, std::nullopt); }), skip);
    const auto bad = std::make_exception_ptr(fatal("never"));
    BOOST_CHECK_THROW(run(pace, [&](std::size_t) { return fail_with(bad); }), skip);
    const auto strange = std::make_exception_ptr(std::runtime_error("what"));
    BOOST_CHECK_THROW(run(pace, [&](std::size_t) { return fail_with(strange); }), skip);
}

BOOST_AUTO_TEST_CASE(failure_means_not_yet_and_is_logged_once_while_it_stays_the_same)
{
    const auto trouble = std::make_exception_ptr(failure("unreachable"));
    const sensor_pace pace{1'000ms, 1'000ms, 1.0, std::nullopt, false};
    run(pace, [&](std::size_t n) { return n < 4 ? fail_with(trouble) : answer_after(0ms, json::value(true)); });
    BOOST_TEST(ctx.lines.size() == 1u);
    BOOST_TEST(looks.size() == 4u);
}

BOOST_AUTO_TEST_CASE(timeout_says_why_the_last_look_failed)
{
    const sensor_pace pace{1'000ms, 3'000ms, 2.0, 10s, false};
    const auto broken = [](std::size_t) { return fail_with(std::make_exception_ptr(failure("nobody is there"))); };
    BOOST_CHECK_EXCEPTION(run(pace, broken), failure, [](const failure& f) {
        return std::string(f.what()).ends_with("; the last look failed: nobody is there");
    });
}

BOOST_AUTO_TEST_CASE(fatal_ends_the_wait)
{
    const auto bad = std::make_exception_ptr(fatal("never"));
    BOOST_CHECK_THROW(run({}, [&](std::size_t) { return fail_with(bad); }), fatal);
    BOOST_TEST(looks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(cancellation_passes_through_even_with_soft_fail)
{
    const sensor_pace pace{1'000ms, 1'000ms, 1.0, 10'000ms, true};
    test::runner<json::value> r(loop, sense(ctx, pace, [] { return answer_after(0ms, std::nullopt); }));
    loop.run(2s);
    r.cancel(cancel_reason::deadline);
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::deadline);
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(pace_is_read_and_misspelt_durations_are_refused)
{
    const auto with =
        json::parse(R"({"interval": "1s", "max_interval": "5m", "backoff": 2, "timeout": "1h", "soft_fail": true})");
    const sensor_pace pace = read_sensor_pace(with.as_object());
    BOOST_CHECK(pace.interval == 1s);
    BOOST_CHECK(pace.max_interval == 5min);
    BOOST_TEST(pace.backoff == 2.0);
    BOOST_CHECK(pace.timeout == duration(1h));
    BOOST_TEST(pace.soft_fail);
    BOOST_CHECK_THROW((void)read_sensor_pace({{"interval", "soon"}}), fatal);
    BOOST_CHECK_THROW((void)read_sensor_pace({{"interval", 5}}), fatal);
    BOOST_CHECK_THROW((void)read_sensor_pace({{"backoff", 0.5}}), fatal);
    BOOST_CHECK_THROW((void)read_sensor_pace({{"soft_fail", "yes"}}), fatal);
}

BOOST_AUTO_TEST_SUITE_END()
