#include "engine/runtime/attempt_replay.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace potoo;
using namespace potoo::runtime;
using journal::record;
using journal::record_kind;

namespace {

record call(std::string branch, std::uint32_t step, std::string name = "x")
{
    record r;
    r.kind = record_kind::step_recorded;
    r.branch = std::move(branch);
    r.step = step;
    r.name = std::move(name);
    return r;
}

record fact(std::string name, std::string data)
{
    record r = call({}, no_step, std::move(name));
    r.data = std::move(data);
    return r;
}

record launch(record_kind kind)
{
    record r;
    r.kind = kind;
    r.name = "token";
    return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(attempt_replays)

BOOST_AUTO_TEST_CASE(calls_are_found_by_branch_and_number)
{
    attempt_replay replay({call("", 0, "a"), call("1", 0, "b"), call("", 1, "c")});
    BOOST_TEST(replay.take_call("1", 0)->name == "b");
    BOOST_TEST(replay.take_call("", 1)->name == "c");
    BOOST_TEST(!replay.take_call("", 2));
    BOOST_TEST(!replay.take_call("2", 0));
}

BOOST_AUTO_TEST_CASE(replay_has_arrived_when_all_is_taken)
{
    attempt_replay replay({call("", 0), fact("f", "1"), launch(record_kind::launch_intent)});
    BOOST_TEST(!replay.arrived());
    replay.take_call("", 0);
    replay.take_call("", 0);
    BOOST_TEST(!replay.arrived());
    replay.take_fact("f");
    BOOST_TEST(!replay.arrived());
    replay.claim_launch();
    BOOST_TEST(replay.arrived());
}

BOOST_AUTO_TEST_CASE(replay_of_nothing_has_arrived)
{
    BOOST_TEST(attempt_replay({}).arrived());
}

BOOST_AUTO_TEST_CASE(last_fact_of_a_name_counts_and_stands_for_all_of_them)
{
    attempt_replay replay({fact("f", "1"), fact("f", "2"), fact("g", "3")});
    BOOST_TEST(replay.take_fact("f")->data == "2");
    replay.remember(fact("f", "4"));
    BOOST_TEST(replay.take_fact("f")->data == "4");
    BOOST_TEST(!replay.arrived());
    replay.remember(fact("g", "5"));
    BOOST_TEST(replay.arrived());
    BOOST_TEST(!replay.take_fact("h"));
}

BOOST_AUTO_TEST_CASE(looking_at_a_launch_does_not_claim_it)
{
    attempt_replay replay({launch(record_kind::launch_intent), launch(record_kind::launch_recorded)});
    BOOST_TEST((replay.take_fact("launch_intent") != nullptr));
    BOOST_TEST((replay.take_fact("launch_recorded") != nullptr));
    BOOST_TEST(replay.has_unclaimed_launch());
    replay.claim_launch();
    BOOST_TEST(!replay.has_unclaimed_launch());
}

BOOST_AUTO_TEST_CASE(launch_that_was_withdrawn_needs_nobody)
{
    attempt_replay gone({launch(record_kind::launch_intent), fact("launch_withdrawn", "true")});
    BOOST_TEST(!gone.has_unclaimed_launch());
    BOOST_TEST(gone.arrived());
    attempt_replay again({launch(record_kind::launch_intent), fact("launch_withdrawn", "true"),
                          fact("launch_withdrawn", "false"), launch(record_kind::launch_intent)});
    BOOST_TEST(again.has_unclaimed_launch());
}

BOOST_AUTO_TEST_CASE(next_call_is_the_first_that_was_not_taken)
{
    attempt_replay replay({call("", 0, "a"), call("", 1, "b"), call("", 2, "c"), call("0", 0, "d")});
    replay.take_call("", 0);
    replay.take_call("", 2);
    BOOST_TEST(replay.next_call("")->name == "b");
    BOOST_TEST(replay.next_call("0")->name == "d");
    replay.take_call("", 1);
    BOOST_TEST(!replay.next_call(""));
}

BOOST_AUTO_TEST_CASE(branch_is_taken_with_those_below_it_and_no_others)
{
    attempt_replay replay({call("1", 0), call("1.0", 0), call("1@2", 0), call("10", 0), call("", 0)});
    replay.take_branch("1");
    BOOST_TEST(!replay.next_call("1"));
    BOOST_TEST(!replay.next_call("1.0"));
    BOOST_TEST((replay.next_call("1@2") != nullptr));
    BOOST_TEST((replay.next_call("10") != nullptr));
    BOOST_TEST((replay.next_call("") != nullptr));
}

BOOST_AUTO_TEST_CASE(looking_for_a_call_does_not_take_it)
{
    attempt_replay replay({call("", 0, "a")});
    BOOST_TEST(replay.find_call("", 0)->name == "a");
    BOOST_TEST(!replay.find_call("", 1));
    BOOST_TEST(!replay.arrived());
}

BOOST_AUTO_TEST_CASE(ten_thousand_calls_are_replayed_in_no_time)
{
    std::vector<record> records;
    for (std::uint32_t i = 0; i < 10'000; ++i)
        records.push_back(call("", i));
    attempt_replay replay(std::move(records));
    for (std::uint32_t i = 0; i < 10'000; ++i)
        BOOST_TEST_REQUIRE((replay.take_call("", i) != nullptr));
    BOOST_TEST(replay.arrived());
}

BOOST_AUTO_TEST_CASE(completions_of_callbacks_are_not_waited_for)
{
    record opened = call("", 0, "approval");
    opened.kind = record_kind::callback_opened;
    record completed = opened;
    completed.kind = record_kind::callback_completed;
    attempt_replay replay({opened, completed});
    BOOST_CHECK(call_kind_of(*replay.take_call("", 0)) == call_kind::callback);
    BOOST_TEST(replay.arrived());
}

BOOST_AUTO_TEST_SUITE_END()
