#include "engine/runtime/launch_name.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace potoo;
using namespace potoo::runtime;

namespace {

bool is_dns_label(const std::string& s)
{
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !s.empty() && s.size() <= 52 && s.front() != '-' && s.back() != '-' &&
           std::all_of(s.begin(), s.end(), allowed) && s.front() >= 'a';
}

} // namespace

BOOST_AUTO_TEST_SUITE(launch_names)

BOOST_AUTO_TEST_CASE(token_is_a_dns_label_whatever_the_names)
{
    std::mt19937_64 entropy(1);
    for (int i = 0; i < 100; ++i) {
        const run_id run = make_run_id(entropy);
        const launch_token t = make_launch_token(run, "A_Task-" + std::to_string(i), "\xff\n ä", attempt_number(7));
        BOOST_TEST(is_dns_label(t.value()), t.value());
        BOOST_TEST(is_dns_label(run.value()), run.value());
    }
}

BOOST_AUTO_TEST_CASE(token_is_the_same_for_the_same_attempt_and_differs_for_any_other)
{
    const run_id run("abc");
    std::set<std::string> tokens;
    for (const char* task : {"a", "b", "ab"})
        for (const char* item : {"", "0", "1", "b"})
            for (std::uint32_t n = 1; n < 4; ++n)
                tokens.insert(make_launch_token(run, task, item, attempt_number(n)).value());
    BOOST_TEST(tokens.size() == 36u);
    BOOST_TEST(tokens.contains(make_launch_token(run, "a", "b", attempt_number(2)).value()));
}

BOOST_AUTO_TEST_CASE(fraction_is_spread_over_its_range)
{
    double low = 1, high = 0, sum = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const double x = replayable_fraction(run_id("abc"), task_index(1), item_index(i), attempt_number(1));
        low = std::min(low, x);
        high = std::max(high, x);
        sum += x;
    }
    BOOST_TEST((low >= 0 && low < 0.05));
    BOOST_TEST((high < 1 && high > 0.95));
    BOOST_TEST((sum > 450 && sum < 550));
}

BOOST_AUTO_TEST_SUITE_END()
