#include "engine/server/tasks/task_rights.hpp"
#include "tests/unit/server/task_samples.hpp"

#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;

namespace {

const principal admin{"root", role::admin, "1"};
const principal ann{"ann", role::user, "2"};
const principal bob{"bob", role::user, "3"};
const principal looker{"looker", role::viewer, "4"};

/// @return the kind of the refusal; `none`
std::string refusal_to_submit(const principal& who, const task_request& wish, const task_rules& rules = {})
{
    return kind_of_refusal([&] { check_may_submit(who, wish, rules, operators()); });
}

std::string refusal_to_cancel(const principal& who, task_entry& e, bool force = false)
{
    return kind_of_refusal([&] { static_cast<void>(take_cancellation(who, e, force)); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(task_rights)

BOOST_AUTO_TEST_CASE(whoever_has_ever_subscribed_may_see_a_task)
{
    const auto e = made_task("a", "ann");
    BOOST_TEST(may_see(ann, *e));
    BOOST_TEST(may_see(admin, *e));
    BOOST_TEST(may_see(looker, *e));
    BOOST_TEST(!may_see(bob, *e));
    e->subscribe("bob");
    e->unsubscribe("bob");
    BOOST_TEST(may_see(bob, *e));
    const auto of_system = made_task("b", "root");
    of_system->shown.scope = task_scope::system;
    BOOST_TEST(may_see(bob, *of_system));
}

BOOST_AUTO_TEST_CASE(operators_of_the_servers_machine_are_for_admins)
{
    task_request wish;
    wish.operator_name = "shell";
    BOOST_TEST(refusal_to_submit(ann, wish) == "forbidden");
    BOOST_TEST(refusal_to_submit(admin, wish) == "none");
    task_rules rules;
    rules.users_may_submit = {"shell"};
    BOOST_TEST(refusal_to_submit(ann, wish, rules) == "none");
    wish.operator_name = "http";
    BOOST_TEST(refusal_to_submit(ann, wish) == "none");
    BOOST_TEST(refusal_to_submit(ann, wish, rules) == "forbidden");
    wish.operator_name = "there is none";
    BOOST_TEST(refusal_to_submit(ann, wish, rules) == "none");
}

BOOST_AUTO_TEST_CASE(operators_that_have_a_connection_are_for_admins)
{
    int found = 0;
    for (const operator_entry* op : operators().all()) {
        const json::value* properties = op->schema.get_object().if_contains("properties");
        if (!properties || !properties->get_object().contains("connection"))
            continue;
        ++found;
        BOOST_TEST(!lets_users_submit({}, *op), op->name);
    }
    BOOST_TEST(found == 9);
}

BOOST_AUTO_TEST_CASE(tasks_of_the_system_are_begun_by_admins)
{
    task_request wish;
    wish.operator_name = "http";
    wish.scope = task_scope::system;
    BOOST_TEST(refusal_to_submit(ann, wish) == "forbidden");
    BOOST_TEST(refusal_to_submit(admin, wish) == "none");
}

BOOST_AUTO_TEST_CASE(subscribing_twice_changes_nothing)
{
    const auto e = made_task("a", "ann");
    BOOST_TEST(!subscribe(ann, *e));
    BOOST_TEST(subscribe(bob, *e));
    BOOST_TEST(!subscribe(bob, *e));
    BOOST_TEST(e->shown.subscribers.size() == 2u);
    e->shown.scope = task_scope::system;
    BOOST_TEST(!subscribe(admin, *e));
    BOOST_TEST(e->shown.subscribers.size() == 2u);
}

BOOST_AUTO_TEST_CASE(nobody_joins_what_is_being_cancelled)
{
    const auto e = made_task("a", "ann");
    BOOST_TEST((take_cancellation(ann, *e, false) == task_cancellation::cancelling));
    BOOST_TEST(kind_of_refusal([&] { subscribe(bob, *e); }) == "conflict");
    BOOST_TEST(!e->is_subscribed("bob"));
}

BOOST_AUTO_TEST_CASE(work_stops_when_its_last_subscriber_goes)
{
    const auto e = made_task("a", "ann");
    e->subscribe("bob");
    BOOST_TEST((take_cancellation(ann, *e, false) == task_cancellation::unsubscribed));
    BOOST_TEST((take_cancellation(ann, *e, false) == task_cancellation::unsubscribed));
    BOOST_TEST(e->shown.state == "running");
    BOOST_TEST((take_cancellation(bob, *e, false) == task_cancellation::cancelling));
    BOOST_TEST(e->shown.state == "cancelling");
    BOOST_TEST((take_cancellation(ann, *e, false) == task_cancellation::repeated));
    e->shown.ended = wall_time();
    BOOST_TEST((take_cancellation(bob, *e, false) == task_cancellation::ended));
}

BOOST_AUTO_TEST_CASE(force_is_for_admins_and_leaves_subscriptions)
{
    const auto e = made_task("a", "ann");
    e->subscribe("bob");
    BOOST_TEST(refusal_to_cancel(ann, *e, true) == "forbidden");
    BOOST_TEST(refusal_to_cancel(admin, *e) == "forbidden");
    BOOST_TEST(!e->cancelling);
    BOOST_TEST((take_cancellation(admin, *e, true) == task_cancellation::cancelling));
    BOOST_TEST(e->shown.subscribers.size() == 2u);
    const auto of_system = made_task("b", "root");
    of_system->shown.scope = task_scope::system;
    of_system->subscribe("ann");
    BOOST_TEST(refusal_to_cancel(ann, *of_system) == "forbidden");
    BOOST_TEST((take_cancellation(admin, *of_system, false) == task_cancellation::cancelling));
}

BOOST_AUTO_TEST_SUITE_END()
