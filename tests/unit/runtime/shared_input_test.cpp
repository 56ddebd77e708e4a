// What all attempts of a task share, and the time that is shown while many of them begin.

#include "test_engine.hpp"

#include <set>

namespace potoo::test {
namespace {

std::set<const json::object*> inputs_seen;
std::set<const void*> environments_seen;

task<json::value> look(context& ctx)
{
    inputs_seen.insert(&ctx.input());
    environments_seen.insert(ctx.environment().data());
    co_await sleep_for(std::chrono::seconds(1));
    co_return ctx.input().at("say");
}

/// Blocks the loop for as long.
task<json::value> block(context& ctx)
{
    auto& clock = dynamic_cast<virtual_loop&>(ctx.loop());
    clock.advance_to(clock.now() + std::chrono::seconds(5));
    co_return nullptr;
}

struct looking_engine : engine
{
    looking_engine()
    {
        inputs_seen.clear();
        environments_seen.clear();
        if (!test_operators().find("look")) {
            test_operators().add("look", look, {.summary = "Looks."});
            test_operators().add("block", block, {.summary = "Blocks."});
        }
    }

    [[nodiscard]] std::vector<std::string> outputs()
    {
        std::vector<std::string> texts;
        for (const journal::record& r : records()) {
            if (r.kind == journal::record_kind::attempt_ended)
                texts.push_back(r.data);
        }
        return texts;
    }

    void run_items(const std::string& say, const std::string& variable)
    {
        BOOST_TEST((run("params: {word: {type: string}}\ntasks: {all: {operator: look, foreach: '${{ range(5) }}', "
                        "with: {say: '" +
                            say + "'}, env: {WORD: '" + variable + "'}}}",
                        json::object{{"word", "hoo"}}) == schedule::run_state::success));
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(shared_input, looking_engine)

BOOST_AUTO_TEST_CASE(input_that_speaks_of_no_item_is_rendered_once)
{
    run_items("${{ params.word }}", "${{ params.word }}");
    BOOST_TEST(inputs_seen.size() == 1u);
    BOOST_TEST(environments_seen.size() == 1u);
    BOOST_TEST(outputs() == std::vector<std::string>(5, R"("hoo")"), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(input_that_speaks_of_the_item_is_its_own)
{
    run_items("${{ item }}", "${{ params.word }}");
    BOOST_TEST(inputs_seen.size() == 5u);
    BOOST_TEST(environments_seen.size() == 1u);
    BOOST_TEST(outputs() == (std::vector<std::string>{"0", "1", "2", "3", "4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(environment_that_speaks_of_the_launch_is_its_own)
{
    run_items("so", "${{ launch_token }}");
    BOOST_TEST(inputs_seen.size() == 1u);
    BOOST_TEST(environments_seen.size() == 5u);
}

BOOST_AUTO_TEST_CASE(input_that_speaks_of_the_attempt_is_rendered_for_each)
{
    the_script().failures["again"] = 1;
    run("tasks: {again: {operator: work, retry: {limit: 1, delay: 1s}, with: {output: '${{ attempt }}'}}}");
    BOOST_TEST(output_of(0) == json::value(2));
}

BOOST_AUTO_TEST_CASE(time_that_an_operator_blocks_the_loop_is_its_own)
{
    run("tasks: {all: {operator: block, foreach: '${{ range(3) }}'}}");
    std::vector<wall_time> started;
    for (const journal::record& r : records()) {
        if (r.kind == journal::record_kind::attempt_ended)
            BOOST_TEST(r.number == 5'000);
        if (r.kind == journal::record_kind::attempt_started)
            started.push_back(r.at);
    }
    BOOST_TEST_REQUIRE(started.size() == 3u);
    BOOST_TEST((started[1] - started[0] == std::chrono::seconds(5)));
    BOOST_TEST((started[2] - started[1] == std::chrono::seconds(5)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace potoo::test
