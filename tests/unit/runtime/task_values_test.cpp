#include "engine/runtime/task_values.hpp"
#include "tests/unit/schedule/test_dag.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using runtime::task_values;
using schedule::task_state;

namespace {

struct two_tasks
{
    two_tasks()
    {
        schedule::testing::set_foreach(schedule::testing::add(dag, "each"));
        schedule::testing::add(dag, "one");
        dag.by_name = {{"each", task_index(0)}, {"one", task_index(1)}};
    }

    graph::dag dag;
    task_index each{0};
    task_index one{1};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(values_of_tasks, two_tasks)

BOOST_AUTO_TEST_CASE(task_is_seen_when_it_has_ended)
{
    task_values v(dag);
    v.set_output(one, item_index(0), 5);
    BOOST_CHECK(v.view("one") == nullptr);
    v.finish(one, task_state::success);
    BOOST_TEST(*v.view("one") == json::parse(R"({"output": 5, "state": "success", "error": null})"));
    BOOST_CHECK(v.view("nobody") == nullptr);
}

BOOST_AUTO_TEST_CASE(output_of_an_item_that_yielded_nothing_is_null)
{
    task_values v(dag);
    v.set_items(each, {10, 11, 12, 13}, {});
    v.set_output(each, item_index(3), nullptr);
    v.set_output(each, item_index(2), "c");
    v.set_output(each, item_index(0), "a");
    v.finish(each, task_state::success);
    BOOST_TEST(*v.view("each") == json::parse(R"({"output": ["a", null, "c", null], "items": [10, 11, 12, 13],
                                                  "state": "success", "error": null})"));
}

BOOST_AUTO_TEST_CASE(item_is_the_same_object_before_and_after_its_task_is_looked_at)
{
    task_values v(dag);
    v.set_items(each, {json::object{{"id", 1}}, json::object{{"id", 2}}}, {"one", "two"});
    const json::value* before = &v.item(each, item_index(1));
    v.finish(each, task_state::success);
    BOOST_TEST(&v.item(each, item_index(1)) == before);
    const json::value* view = v.view("each");
    BOOST_TEST(v.view("each") == view);
    BOOST_TEST(&v.item(each, item_index(1)) == before);
    BOOST_TEST(v.item_name(each, item_index(1)) == "two");
    BOOST_TEST(v.item(each, item_index(2)).is_null());
}

BOOST_AUTO_TEST_CASE(error_is_seen_until_a_later_attempt_of_the_item_succeeds)
{
    task_values v(dag);
    v.set_items(each, {1, 2}, {});
    v.set_error(each, item_index(0), {{"message", "first"}});
    v.set_error(each, item_index(1), {{"message", "second"}});
    BOOST_TEST(*v.error(each) == (json::object{{"message", "first"}}));
    v.set_output(each, item_index(0), nullptr);
    BOOST_CHECK(v.error(each) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
