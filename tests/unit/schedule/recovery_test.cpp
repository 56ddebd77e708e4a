#include "machine_text.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

BOOST_AUTO_TEST_SUITE(recovery_test)

BOOST_AUTO_TEST_CASE(after_a_replay_the_machine_tells_what_is_still_to_be_done)
{
    graph::dag dag;
    graph::task_spec& task = add(dag, "f");
    set_foreach(task, 3);
    set_retry(task, {.limit = 2});
    add(dag, "a");
    add(dag, "b").when = any_expression();
    const task_index f(0);
    const std::vector<event> recorded{
        task_evaluated{f, verdict::run, 5},
        attempt_deferred{f, item_index(2)},
        attempt_ended{f, item_index(0), attempt_outcome::failed, true},
        attempt_ended{f, item_index(1), attempt_outcome::success},
        task_cancel_requested{task_index(1)},
    };

    run_machine m(dag);
    m.start();
    for (const event& e : recorded)
        m.apply(e);

    std::string in_flight;
    m.for_each_in_flight([&](task_index t, item_index i, attempt_number n, task_state s) {
        in_flight += dag[t].name + "." + std::to_string(i.value()) + "#" + std::to_string(n.value()) + " " +
                     std::string(to_string(s)) + "\n";
    });
    BOOST_TEST(in_flight == "f.2#1 deferred\nf.3#1 running\nf.4#1 running\na.0#1 cancelling\n");
    BOOST_TEST((m.cancel_reason_of(task_index(1)) == cancel_reason::user));

    std::string retrying;
    m.for_each_retrying([&](task_index t, item_index i, attempt_number n) {
        retrying += dag[t].name + "." + std::to_string(i.value()) + "#" + std::to_string(n.value()) + "\n";
    });
    BOOST_TEST(retrying == "f.0#2\n");

    std::string evaluating;
    m.for_each_evaluating([&](task_index t) { evaluating += dag[t].name; });
    BOOST_TEST(evaluating == "b");
}

BOOST_AUTO_TEST_SUITE_END()
