#include "engine/journal/record.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace potoo::journal;

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(every_kind_stands_at_its_number_in_the_table)
{
    for (std::size_t i = 0; i < record_kinds.size(); ++i)
        BOOST_TEST(static_cast<std::size_t>(record_kinds[i].kind) == i + 1);
}

BOOST_AUTO_TEST_CASE(names_of_kinds_and_states_are_unique)
{
    std::set<std::string_view> kinds;
    for (const auto& k : record_kinds)
        BOOST_TEST(kinds.insert(k.name).second, k.name);
    std::set<std::string_view> states;
    for (std::size_t i = 0; i < recorded_state_count; ++i)
        BOOST_TEST(states.insert(to_string(static_cast<recorded_state>(i))).second);
}

BOOST_AUTO_TEST_CASE(what_the_outside_may_have_seen_is_awaited)
{
    using enum record_kind;
    for (const auto kind : {launch_intent, launch_recorded, step_recorded, attempt_ended, run_ended, cancel_requested})
        BOOST_TEST(details(kind).awaited, to_string(kind));
    for (const auto kind : {attempt_started, attempt_deferred, attempt_resumed, retry_scheduled, task_ended})
        BOOST_TEST(!details(kind).awaited, to_string(kind));
}

BOOST_AUTO_TEST_CASE(only_ends_are_final)
{
    BOOST_TEST(!is_final(recorded_state::cancelling));
    BOOST_TEST(!is_final(recorded_state::paused));
    BOOST_TEST(is_final(recorded_state::success));
    BOOST_TEST(is_final(recorded_state::upstream_failed));
}

BOOST_AUTO_TEST_SUITE_END()
