#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/array_launch.hpp>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

task<json::value> nothing(context&)
{
    co_return json::value();
}

/// A remote side that takes arrays, and the attempts that launch on it.
struct launching : test::fixture
{
    array_launch arrays{{.most = 4, .quiet = 200ms, .longest = 1'000ms, .neighbours_only = false}};
    array_launch neighbours{{.most = 4, .quiet = 200ms, .longest = 1'000ms, .neighbours_only = true}};
    std::vector<std::vector<std::uint32_t>> submitted;
    std::vector<std::unique_ptr<test::fake_context>> attempts;
    std::vector<std::unique_ptr<test::runner<job_id>>> launches;

    void launch(std::uint32_t item, const char* with = R"({"command": "work"})", array_launch* by = nullptr)
    {
        auto& ctx = *attempts.emplace_back(std::make_unique<test::fake_context>(loop, "array", with));
        ctx.item_position = item_index(item);
        launches.push_back(std::make_unique<test::runner<job_id>>(
            loop, (by ? by : &arrays)->launch(ctx, [this](potoo::context&, std::vector<item_index> items) {
                return submit(std::move(items));
            })));
    }

    task<std::vector<job_id>> submit(std::vector<item_index> items)
    {
        auto& call = submitted.emplace_back();
        const std::size_t number = submitted.size();
        std::vector<job_id> ids;
        for (const item_index i : items) {
            call.push_back(i.value());
            ids.emplace_back(fmt::format("{}:{}", number, i.value()));
        }
        co_await sleep_for(50ms);
        if (busy > 0) {
            --busy;
            throw failure("not so fast", "throttled");
        }
        if (refused)
            throw failure("the service is full", "full");
        co_return ids;
    }

    [[nodiscard]] std::string id_of(std::size_t launch) { return std::string(launches.at(launch)->take().value()); }

    bool refused = false;
    int busy = 0; ///< submissions that are throttled
};

using calls = std::vector<std::vector<std::uint32_t>>;

} // namespace

POTOO_OPERATOR("array", nothing, {.summary = "For tests.", .schema = R"({"type": "object"})"})

BOOST_FIXTURE_TEST_SUITE(array_launches, launching)

BOOST_AUTO_TEST_CASE(items_that_come_together_are_one_submission)
{
    launch(2);
    launch(0);
    launch(7);
    loop.run();
    BOOST_TEST((submitted == calls{{0, 2, 7}}));
    BOOST_TEST(id_of(0) == "1:2");
    BOOST_TEST(id_of(1) == "1:0");
    BOOST_TEST(id_of(2) == "1:7");
}

BOOST_AUTO_TEST_CASE(launch_waits_deferred)
{
    launch(0);
    BOOST_TEST(attempts[0]->deferred);
    loop.run();
    BOOST_TEST(!attempts[0]->deferred);
    BOOST_TEST((submitted == calls{{0}}));
}

BOOST_AUTO_TEST_CASE(full_array_leaves_its_place_to_the_next)
{
    for (std::uint32_t i = 0; i < 6; ++i)
        launch(i);
    loop.run();
    BOOST_TEST((submitted == calls{{0, 1, 2, 3}, {4, 5}}));
    BOOST_TEST(id_of(5) == "2:5");
}

BOOST_AUTO_TEST_CASE(item_that_comes_after_the_submission_has_one_of_its_own)
{
    launch(0);
    loop.run();
    launch(1);
    loop.run();
    BOOST_TEST((submitted == calls{{0}, {1}}));
}

BOOST_AUTO_TEST_CASE(gaps_part_an_array_of_neighbours)
{
    for (const std::uint32_t i : {5U, 1U, 0U, 4U})
        launch(i, R"({"command": "work"})", &neighbours);
    loop.run();
    BOOST_TEST((submitted == calls{{0, 1}, {4, 5}}));
    BOOST_TEST(id_of(0) == "2:5");
    BOOST_TEST(id_of(2) == "1:0");
}

BOOST_AUTO_TEST_CASE(failure_of_the_submission_is_that_of_each_item)
{
    refused = true;
    launch(0);
    launch(1);
    loop.run();
    for (const auto& l : launches)
        BOOST_CHECK_EXCEPTION(l->take(), failure, [](const failure& f) { return f.code() == "full"; });
}

BOOST_AUTO_TEST_CASE(service_that_is_too_busy_is_asked_again)
{
    busy = 3;
    launch(0);
    launch(1);
    loop.run();
    BOOST_TEST((submitted == calls{{0, 1}, {0, 1}, {0, 1}, {0, 1}}));
    BOOST_TEST(id_of(0) == "4:0");
    BOOST_TEST(id_of(1) == "4:1");
}

BOOST_AUTO_TEST_CASE(service_that_stays_too_busy_fails_each_item)
{
    busy = 1'000;
    launch(0);
    launch(1);
    loop.run();
    BOOST_TEST(submitted.size() == 20U);
    for (const auto& l : launches)
        BOOST_CHECK_EXCEPTION(l->take(), failure, [](const failure& f) { return f.code() == "throttled"; });
}

BOOST_AUTO_TEST_CASE(item_has_its_job_before_others_are_submitted)
{
    launch(5, R"({"command": "work"})", &neighbours);
    launch(0, R"({"command": "work"})", &neighbours);
    loop.run(460ms);
    BOOST_TEST(submitted.size() == 2U);
    BOOST_TEST(launches[1]->ended());
    BOOST_TEST(!launches[0]->ended());
    loop.run();
    BOOST_TEST(id_of(0) == "2:5");
}

BOOST_AUTO_TEST_CASE(item_with_another_command_is_refused_and_the_others_are_not)
{
    launch(0);
    launch(1, R"({"command": "other"})");
    loop.run();
    BOOST_TEST((submitted == calls{{0}}));
    BOOST_TEST(id_of(0) == "1:0");
    BOOST_CHECK_EXCEPTION(launches[1]->take(), fatal, [](const fatal& f) { return f.code() == "not_alike"; });
}

BOOST_AUTO_TEST_SUITE_END()
