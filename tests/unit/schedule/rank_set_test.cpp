#include "engine/schedule/rank_set.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

using potoo::schedule::rank_set;

BOOST_AUTO_TEST_SUITE(rank_set_test)

BOOST_AUTO_TEST_CASE(a_set_of_capacity_zero_is_empty)
{
    const rank_set s;
    BOOST_TEST(s.empty());
    BOOST_TEST(!s.first());
}

BOOST_AUTO_TEST_CASE(the_last_rank_of_a_large_set_is_found)
{
    for (const std::uint32_t capacity : {1U, 63U, 64U, 65U, 4096U, 4097U, 262'145U}) {
        rank_set s(capacity);
        s.insert(capacity - 1);
        BOOST_TEST(s.first().value() == capacity - 1);
        s.erase(capacity - 1);
        BOOST_TEST(s.empty());
    }
}

BOOST_AUTO_TEST_CASE(clear_leaves_nothing)
{
    rank_set s(10'000);
    for (std::uint32_t n = 0; n < 10'000; n += 7)
        s.insert(n);
    s.clear();
    BOOST_TEST(s.empty());
    s.insert(9'000);
    BOOST_TEST(s.first().value() == 9'000U);
}

BOOST_AUTO_TEST_CASE(behaves_like_an_ordered_set)
{
    BOOST_TEST(rc::check("rank_set is std::set", [](const std::vector<std::pair<bool, std::uint16_t>>& steps) {
        rank_set mine(65'536);
        std::set<std::uint32_t> reference;
        for (const auto& [add, rank] : steps) {
            if (add) {
                mine.insert(rank);
                reference.insert(rank);
            } else {
                const std::uint32_t victim = reference.empty() || rank % 2 == 0 ? rank : *reference.begin();
                mine.erase(victim);
                reference.erase(victim);
            }
            RC_ASSERT(mine.empty() == reference.empty());
            if (!reference.empty())
                RC_ASSERT(mine.first().value() == *reference.begin());
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()
