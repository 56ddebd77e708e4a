#include "engine/server/tasks/task_backlog.hpp"
#include "tests/unit/server/task_samples.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

struct empty_backlog
{
    static std::string ids(const std::vector<task_entry_ptr>& entries)
    {
        std::string out;
        for (const auto& e : entries)
            out += e->shown.id;
        return out;
    }

    steady_time start{1h};
    counter wake;
    task_backlog backlog{wake};
    task_entry_ptr a = made_task("a", "ann");
    task_entry_ptr b = made_task("b", "ann");
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_backlogs, empty_backlog)

BOOST_AUTO_TEST_CASE(changes_gather_from_the_first_on)
{
    BOOST_TEST((backlog.changes_due() == steady_time::max()));
    backlog.add_change(a, start);
    backlog.add_change(b, start + 1s);
    backlog.add_change(a, start + 1s);
    BOOST_TEST((backlog.changes_due() == start + task_backlog::time_to_gather));
    BOOST_TEST(wake.value() == 1u);
    BOOST_TEST(ids(backlog.take_changes()) == "ab");
    BOOST_TEST(!backlog.has_changes());
    BOOST_TEST((backlog.changes_due() == steady_time::max()));
}

BOOST_AUTO_TEST_CASE(change_while_the_one_before_is_written_is_written_too)
{
    backlog.add_change(a, start);
    const auto taken = backlog.take_changes();
    backlog.add_change(a, start + 1s);
    BOOST_TEST(ids(backlog.take_changes()) == "a");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_written_waits_once)
{
    backlog.add_change(a, start);
    backlog.add_change(b, start);
    const auto taken = backlog.take_changes();
    backlog.add_change(b, start + 1s);
    backlog.put_back(taken, start + 5s);
    BOOST_TEST((backlog.changes_due() == start + 5s));
    BOOST_TEST(ids(backlog.take_changes()) == "ba");
}

BOOST_AUTO_TEST_CASE(change_of_what_has_ended_is_written_with_its_end)
{
    backlog.add_change(a, start);
    a->shown.ended = wall_time();
    backlog.add_change(a, start);
    BOOST_TEST(backlog.has_changes());
    BOOST_TEST(backlog.take_changes().empty());
    BOOST_TEST(!backlog.has_changes());
    b->shown.ended = wall_time();
    backlog.add_change(b, start);
    BOOST_TEST(!backlog.has_changes());
}

BOOST_AUTO_TEST_CASE(ends_wait_until_they_are_written)
{
    backlog.add_end(a);
    backlog.add_end(b);
    BOOST_TEST(wake.value() == 2u);
    BOOST_TEST(ids(backlog.next_ends()) == "ab");
    BOOST_TEST(ids(backlog.next_ends()) == "ab");
    backlog.drop_ends(1);
    BOOST_TEST(ids(backlog.next_ends()) == "b");
}

BOOST_AUTO_TEST_CASE(few_are_written_at_the_same_time)
{
    const std::size_t many = task_backlog::most_at_once + 1;
    for (std::size_t i = 0; i < many; ++i) {
        const auto e = made_task(std::to_string(i), "ann");
        backlog.add_end(e);
        backlog.add_change(e, start);
    }
    BOOST_TEST(backlog.next_ends().size() == task_backlog::most_at_once);
    BOOST_TEST(backlog.take_changes().size() == task_backlog::most_at_once);
    BOOST_TEST(backlog.take_changes().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
