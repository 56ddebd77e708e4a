#include "engine/graph/topology.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

using namespace potoo;
using namespace potoo::graph;

namespace {

dag random_dag(std::mt19937& random, std::size_t size)
{
    dag d;
    d.tasks.resize(size);
    for (std::uint32_t i = 1; i < size; ++i)
        for (auto edges = random() % 3; edges > 0; --edges) {
            const task_index up(static_cast<std::uint32_t>(random() % i));
            auto& upstream = d.tasks[i].upstream;
            if (std::find(upstream.begin(), upstream.end(), up) == upstream.end())
                upstream.push_back(up);
        }
    return d;
}

bool is_ancestor(const dag& d, task_index of, task_index ancestor)
{
    std::vector<bool> seen(d.tasks.size(), false);
    std::vector<task_index> open = d[of].upstream;
    while (!open.empty()) {
        const auto t = open.back();
        open.pop_back();
        if (t == ancestor)
            return true;
        if (!seen[t.value()]) {
            seen[t.value()] = true;
            open.insert(open.end(), d[t].upstream.begin(), d[t].upstream.end());
        }
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_SUITE(topology)

BOOST_AUTO_TEST_CASE(upstream_tasks_come_first_in_the_order)
{
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        auto d = random_dag(random, 1 + random() % 100);
        BOOST_TEST(order_tasks(d).empty());
        std::vector<std::size_t> position(d.tasks.size());
        for (std::size_t i = 0; i < d.topological_order.size(); ++i)
            position[d.topological_order[i].value()] = i;
        for (std::uint32_t t = 0; t < d.tasks.size(); ++t)
            for (const auto up : d.tasks[t].upstream)
                BOOST_TEST_REQUIRE(position[up.value()] < position[t]);
    }
}

BOOST_AUTO_TEST_CASE(ancestry_agrees_with_a_search)
{
    std::mt19937 random(2);
    for (int round = 0; round < 20; ++round) {
        auto d = random_dag(random, 2 + random() % 700);
        BOOST_TEST(order_tasks(d).empty());
        std::vector<ancestry_question> questions;
        std::vector<std::size_t> expected;
        for (std::size_t i = 0; i < 1500; ++i) {
            const task_index of(static_cast<std::uint32_t>(random() % d.tasks.size()));
            const task_index ancestor(static_cast<std::uint32_t>(random() % d.tasks.size()));
            questions.emplace_back(of, ancestor);
            if (!is_ancestor(d, of, ancestor))
                expected.push_back(i);
        }
        BOOST_TEST(find_non_ancestors(d, questions) == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(every_cycle_found_is_one_and_none_share_a_task)
{
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        auto d = random_dag(random, 2 + random() % 30);
        for (auto back = 1 + random() % 4; back > 0; --back) {
            auto& upstream = d.tasks[random() % d.tasks.size()].upstream;
            const task_index up(static_cast<std::uint32_t>(random() % d.tasks.size()));
            if (std::find(upstream.begin(), upstream.end(), up) == upstream.end())
                upstream.push_back(up);
        }
        const auto cycles = order_tasks(d);
        BOOST_TEST_REQUIRE(cycles.empty() == (d.topological_order.size() == d.tasks.size()));
        std::vector<bool> taken(d.tasks.size(), false);
        for (const auto& cycle : cycles)
            for (std::size_t i = 0; i < cycle.size(); ++i) {
                const auto& upstream = d[cycle[(i + 1) % cycle.size()]].upstream;
                BOOST_TEST_REQUIRE((std::find(upstream.begin(), upstream.end(), cycle[i]) != upstream.end()));
                BOOST_TEST_REQUIRE(!taken[cycle[i].value()]);
                taken[cycle[i].value()] = true;
            }
    }
}

BOOST_AUTO_TEST_SUITE_END()
