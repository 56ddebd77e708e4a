#include "engine/schedule/explain.hpp"
#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;
using namespace std::chrono_literals;

namespace {

/// `code: text`, one after another.
std::string why(const text_machine& m, std::uint32_t task, std::optional<item_index> item = std::nullopt)
{
    std::string out;
    for (const reason& r : explain(m.machine, task_index(task), item).reasons)
        out += (out.empty() ? "" : "; ") + r.code + ": " + r.text;
    return out;
}

/// `how many state, example: code: text`, a line each.
std::string groups(const text_machine& m, std::uint32_t task)
{
    std::string out;
    for (const item_group& g : explain(m.machine, task_index(task), std::nullopt).groups)
        out += std::to_string(g.items) + ' ' + std::string(to_string(g.state)) + ", " +
               std::to_string(g.example.value()) + ": " + g.why.code + ": " + g.why.text + '\n';
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(explain_test)

BOOST_AUTO_TEST_CASE(task_that_waits_names_what_for)
{
    graph::dag dag;
    for (const char* name : {"a", "b", "c", "d", "e"})
        add(dag, name);
    add(dag, "last", {0, 1, 2, 3, 4});
    text_machine m(dag);
    m.start();
    m.succeed(1);
    BOOST_TEST(why(m, 5) ==
               "upstream: it waits for `a` (running), `c` (running), `d` (running) and 1 more (all_success)");
    m.apply(run_paused{});
    BOOST_TEST(why(m, 5).ends_with("paused: the run is paused, and would not start it"));
}

BOOST_AUTO_TEST_CASE(queued_task_names_all_that_holds_it)
{
    graph::dag dag;
    dag.pools = {{"p", 1}};
    add(dag, "a").pool = pool_index(0);
    graph::task_spec& items = add(dag, "items");
    set_foreach(items, 1);
    add(dag, "c").pool = pool_index(0);
    text_machine m(dag);
    m.start();
    m.evaluated(1, 2);
    BOOST_TEST(why(m, 2) == "pool_full: no slot of the pool `p` is free");
    BOOST_TEST(why(m, 1, item_index(1)) == "max_active: as many of its items are under way as `max_active` allows: 1");
    m.apply(run_paused{});
    BOOST_TEST(why(m, 2) == "paused: the run is paused; pool_full: no slot of the pool `p` is free");
    m.succeed(0);
    BOOST_TEST(why(m, 2) == "paused: the run is paused");
}

BOOST_AUTO_TEST_CASE(what_is_under_way_says_so)
{
    graph::dag dag;
    set_retry(add(dag, "a"), {.limit = 1, .delay = 5ms});
    set_foreach(add(dag, "items"));
    text_machine m(dag);
    m.start();
    BOOST_TEST(why(m, 0) == "running: attempt 1 runs");
    BOOST_TEST(why(m, 1) == "evaluating: its `when` and `foreach` are being evaluated");
    m.evaluated(1, 2);
    BOOST_TEST(why(m, 1) == "running: 2 of its items are running");
    m.apply(attempt_deferred{task_index(0), item_index(0)});
    BOOST_TEST(why(m, 0) == "deferred: attempt 1 waits on something remote");
    m.end(0, 0, attempt_outcome::failed, true);
    BOOST_TEST(why(m, 0) == "retry: it waits for attempt 2");
    m.cancel();
    BOOST_TEST(why(m, 1, item_index(0)) == "cancelling: attempt 1 was told to stop, and has not yet");
}

BOOST_AUTO_TEST_CASE(task_with_items_tells_how_many_stand_how_with_one_of_each)
{
    graph::dag dag;
    graph::task_spec& items = add(dag, "items");
    set_foreach(items, 3);
    set_retry(items, {.limit = 1, .delay = 5ms});
    set_foreach(add(dag, "one"));
    add(dag, "single");
    text_machine m(dag);
    m.start();
    BOOST_TEST(groups(m, 0).empty());
    m.evaluated(0, 7);
    m.evaluated(1, 1);
    BOOST_TEST(groups(m, 0) == "4 queued, 3: max_active: as many of its items are under way as `max_active` allows: 3\n"
                               "3 running, 0: running: attempt 1 runs\n");
    m.succeed(0, 0);
    m.end(0, 1, attempt_outcome::failed, true);
    m.end(0, 2, attempt_outcome::failed, false);
    m.apply(attempt_deferred{task_index(0), item_index(4)});
    BOOST_TEST(groups(m, 0) == "1 queued, 6: max_active: as many of its items are under way as `max_active` allows: 3\n"
                               "2 running, 3: running: attempt 1 runs\n"
                               "1 deferred, 4: deferred: attempt 1 waits on something remote\n"
                               "1 retrying, 1: retry: it waits for attempt 2\n"
                               "1 success, 0: ended: it has ended (success)\n"
                               "1 failed, 2: ended: it has ended (failed)\n");
    BOOST_TEST(explain(m.machine, task_index(0), item_index(3)).groups.empty());
    BOOST_TEST(groups(m, 1).empty());
    BOOST_TEST(groups(m, 2).empty());
}

BOOST_AUTO_TEST_CASE(what_has_ended_names_who_decided_it)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    add(dag, "c", {0, 1});
    text_machine m(dag);
    m.start();
    m.succeed(0);
    m.fail(1);
    BOOST_TEST(why(m, 2) == "ended: it has ended (upstream_failed), because of `b` (failed)");
    BOOST_TEST(why(m, 1) == "ended: it has ended (failed)");
    BOOST_CHECK_THROW(why(m, 3), std::out_of_range);
    BOOST_CHECK_THROW(why(m, 0, item_index(1)), std::out_of_range);
}

BOOST_AUTO_TEST_SUITE_END()
