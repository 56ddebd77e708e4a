#include "engine/server/schedules/schedule_rules.hpp"
#include "engine/server/schedules/success_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::server;

namespace {

graph::schedule_spec spec_of(const char* overlap, const char* catchup = "latest")
{
    graph::schedule_spec s;
    s.overlap = overlap;
    s.catchup = catchup;
    return s;
}

wall_time at(int seconds)
{
    return wall_time(std::chrono::seconds(seconds));
}

std::string ids(const std::vector<success_queue::success>& successes)
{
    std::string out;
    for (const auto& s : successes)
        out += s.id.value();
    return out;
}

constexpr due_facts free_for_it{};
constexpr due_facts full{.full = true};
constexpr due_facts owing{.owes = true};
constexpr due_facts failing{.owes = true, .failing = true};

} // namespace

BOOST_AUTO_TEST_SUITE(schedule_rules)

BOOST_AUTO_TEST_CASE(time_has_a_run_when_nothing_stands_against_it)
{
    for (const char* overlap : {"skip", "queue", "cancel_running"})
        BOOST_TEST((judge_due(spec_of(overlap), free_for_it) == due_verdict::owed), overlap);
}

BOOST_AUTO_TEST_CASE(skip_lets_go_of_the_time_and_queue_keeps_it)
{
    BOOST_TEST((judge_due(spec_of("skip"), full) == due_verdict::skipped));
    BOOST_TEST((judge_due(spec_of("skip"), owing) == due_verdict::skipped));
    BOOST_TEST((judge_due(spec_of("queue"), full) == due_verdict::owed));
    BOOST_TEST((judge_due(spec_of("queue"), failing) == due_verdict::owed));
}

BOOST_AUTO_TEST_CASE(later_time_takes_the_place_of_one_that_cannot_begin)
{
    BOOST_TEST((judge_due(spec_of("skip"), failing) == due_verdict::replaces));
    BOOST_TEST((judge_due(spec_of("skip", "all"), failing) == due_verdict::replaces));
}

BOOST_AUTO_TEST_CASE(cancel_running_takes_the_latest_alone)
{
    BOOST_TEST((judge_due(spec_of("cancel_running"), full) == due_verdict::owed));
    BOOST_TEST((judge_due(spec_of("cancel_running"), owing) == due_verdict::replaces));
}

BOOST_AUTO_TEST_CASE(time_behind_those_that_are_made_up_for_waits_for_them)
{
    BOOST_TEST((judge_due(spec_of("skip", "all"), owing) == due_verdict::owed));
    BOOST_TEST((judge_due(spec_of("skip", "all"), full) == due_verdict::skipped));
}

BOOST_AUTO_TEST_CASE(catchup_says_how_many_are_made_up_for)
{
    BOOST_TEST(made_up_for(spec_of("skip", "none")) == 0u);
    BOOST_TEST(made_up_for(spec_of("skip", "latest")) == 1u);
    BOOST_TEST(made_up_for(spec_of("skip", "all")) == all_of_them);
}

BOOST_AUTO_TEST_CASE(success_waits_once_and_missed_ones_go_from_the_oldest_on)
{
    success_queue q;
    BOOST_TEST(!q.earliest().has_value());
    BOOST_TEST(q.add({run_id("a"), at(3), true}));
    BOOST_TEST(q.add({run_id("b"), at(1), false}));
    BOOST_TEST(q.add({run_id("c"), at(2), true}));
    BOOST_TEST(!q.add({run_id("a"), at(9), false}));
    BOOST_TEST(ids(q.missed_but(0)) == "ac");
    BOOST_TEST(ids(q.missed_but(1)) == "a");
    BOOST_TEST(ids(q.missed_but(all_of_them)).empty());
    BOOST_TEST((q.earliest() == at(1)));
    q.remove(run_id("b"));
    BOOST_TEST((q.earliest() == at(2)));
    BOOST_TEST(q.front().id.value() == "a");
    BOOST_TEST(q.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
