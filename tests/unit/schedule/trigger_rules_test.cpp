#include "engine/schedule/trigger_rules.hpp"

#include "machine_text.hpp"
#include "naive_rules.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;
using graph::trigger_rule;

namespace {

constexpr std::array all_rules{
    trigger_rule::all_success,  trigger_rule::all_done,    trigger_rule::all_failed,
    trigger_rule::all_skipped,  trigger_rule::one_success, trigger_rule::one_failed,
    trigger_rule::one_done,     trigger_rule::none_failed, trigger_rule::none_failed_min_one_success,
    trigger_rule::none_skipped, trigger_rule::always};

std::string_view text(trigger_decision d)
{
    switch (d) {
    case trigger_decision::wait:
        return "wait";
    case trigger_decision::start:
        return "start";
    case trigger_decision::skip:
        return "skipped";
    case trigger_decision::upstream_failed:
        return "upstream_failed";
    }
    return "?";
}

/// One letter a task: `s`uccess, `f`ailed, `t`imed out, `c`ancelled, s`k`ipped, `u`pstream failed, `a`llowed failure,
/// `.` not done.
std::vector<naive_upstream> upstream_of(std::string_view letters)
{
    std::vector<naive_upstream> result;
    for (const char letter : letters) {
        switch (letter) {
        case 's':
            result.push_back({task_state::success, false});
            break;
        case 'f':
            result.push_back({task_state::failed, false});
            break;
        case 't':
            result.push_back({task_state::timed_out, false});
            break;
        case 'c':
            result.push_back({task_state::cancelled, false});
            break;
        case 'k':
            result.push_back({task_state::skipped, false});
            break;
        case 'u':
            result.push_back({task_state::upstream_failed, false});
            break;
        case 'a':
            result.push_back({task_state::failed, true});
            break;
        default:
            result.push_back({std::nullopt, false});
            break;
        }
    }
    return result;
}

std::string decision(trigger_rule rule, const std::vector<naive_upstream>& upstream)
{
    upstream_tally tally;
    tally.waiting = static_cast<std::uint32_t>(upstream.size());
    for (const naive_upstream& u : upstream)
        if (u.ended_as)
            tally.add(*u.ended_as, u.allow_failure);
    return std::string(text(decide(rule, tally)));
}

struct expectation
{
    std::string_view upstream;
    std::string_view decision;
};

void check(trigger_rule rule, std::initializer_list<expectation> table)
{
    for (const expectation& row : table)
        BOOST_TEST(decision(rule, upstream_of(row.upstream)) == row.decision,
                   "upstream " << row.upstream << ": " << row.decision << " expected, "
                               << decision(rule, upstream_of(row.upstream)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(trigger_rules_test)

BOOST_AUTO_TEST_CASE(all_success_wants_every_upstream_to_succeed)
{
    check(trigger_rule::all_success, {{"ss", "start"},
                                      {"s.", "wait"},
                                      {"f.", "upstream_failed"},
                                      {"t.", "upstream_failed"},
                                      {"c.", "upstream_failed"},
                                      {"u.", "upstream_failed"},
                                      {"k.", "wait"},
                                      {"ks", "skipped"},
                                      {"kf", "upstream_failed"},
                                      {"as", "start"},
                                      {"ak", "skipped"}});
}

BOOST_AUTO_TEST_CASE(all_done_waits_for_every_upstream_and_takes_any_outcome)
{
    check(trigger_rule::all_done, {{"s.", "wait"}, {"f.", "wait"}, {"ff", "start"}, {"kc", "start"}, {"us", "start"}});
}

BOOST_AUTO_TEST_CASE(all_failed_wants_every_upstream_to_fail)
{
    check(trigger_rule::all_failed, {{"ft", "start"},
                                     {"fu", "start"},
                                     {"cu", "start"},
                                     {"fa", "start"},
                                     {"f.", "wait"},
                                     {"s.", "skipped"},
                                     {"k.", "skipped"}});
}

BOOST_AUTO_TEST_CASE(all_skipped_wants_every_upstream_to_be_skipped)
{
    check(
        trigger_rule::all_skipped,
        {{"kk", "start"}, {"k.", "wait"}, {"s.", "skipped"}, {"f.", "skipped"}, {"c.", "skipped"}, {"a.", "skipped"}});
}

BOOST_AUTO_TEST_CASE(one_success_does_not_wait_for_the_others)
{
    check(trigger_rule::one_success, {{"s.", "start"},
                                      {"a.", "start"},
                                      {"f.", "wait"},
                                      {"k.", "wait"},
                                      {"fk", "upstream_failed"},
                                      {"cu", "upstream_failed"},
                                      {"kk", "skipped"}});
}

BOOST_AUTO_TEST_CASE(one_failed_does_not_wait_for_the_others)
{
    check(trigger_rule::one_failed, {{"f.", "start"},
                                     {"t.", "start"},
                                     {"u.", "start"},
                                     {"c.", "start"},
                                     {"a.", "start"},
                                     {"s.", "wait"},
                                     {"ss", "skipped"},
                                     {"sk", "skipped"}});
}

BOOST_AUTO_TEST_CASE(one_done_counts_those_that_ran_to_their_end)
{
    check(trigger_rule::one_done, {{"s.", "start"},
                                   {"f.", "start"},
                                   {"t.", "start"},
                                   {"a.", "start"},
                                   {"k.", "wait"},
                                   {"u.", "wait"},
                                   {"c.", "wait"},
                                   {"ku", "skipped"},
                                   {"kc", "skipped"}});
}

BOOST_AUTO_TEST_CASE(none_failed_takes_success_and_skipped)
{
    check(trigger_rule::none_failed, {{"ss", "start"},
                                      {"sk", "start"},
                                      {"kk", "start"},
                                      {"sa", "start"},
                                      {"k.", "wait"},
                                      {"f.", "upstream_failed"},
                                      {"u.", "upstream_failed"}});
}

BOOST_AUTO_TEST_CASE(none_failed_min_one_success_wants_one_that_was_not_skipped)
{
    check(trigger_rule::none_failed_min_one_success, {{"sk", "start"},
                                                      {"ak", "start"},
                                                      {"kk", "skipped"},
                                                      {"s.", "wait"},
                                                      {"k.", "wait"},
                                                      {"t.", "upstream_failed"},
                                                      {"kc", "upstream_failed"}});
}

BOOST_AUTO_TEST_CASE(none_skipped_takes_any_other_outcome)
{
    check(trigger_rule::none_skipped,
          {{"sf", "start"}, {"cu", "start"}, {"s.", "wait"}, {"k.", "skipped"}, {"fk", "skipped"}});
}

BOOST_AUTO_TEST_CASE(always_waits_for_nothing)
{
    check(trigger_rule::always, {{"..", "start"}, {"f.", "start"}, {"kk", "start"}});
}

BOOST_AUTO_TEST_CASE(every_rule_starts_a_task_without_upstream)
{
    for (const trigger_rule rule : all_rules)
        BOOST_TEST(decision(rule, {}) == "start");
}

BOOST_AUTO_TEST_CASE(every_rule_agrees_with_its_description_on_all_triples)
{
    constexpr std::string_view letters = "sftckua.";
    for (const trigger_rule rule : all_rules)
        for (const char a : letters)
            for (const char b : letters)
                for (const char c : letters) {
                    const std::string triple{a, b, c};
                    const auto upstream = upstream_of(triple);
                    BOOST_REQUIRE_MESSAGE(decision(rule, upstream) == naive_decision(rule, upstream),
                                          "rule " << static_cast<int>(rule) << ", upstream " << triple << ": "
                                                  << decision(rule, upstream) << " instead of "
                                                  << naive_decision(rule, upstream));
                }
}

BOOST_AUTO_TEST_CASE(a_fate_once_known_stays_whatever_else_ends)
{
    constexpr std::string_view letters = "sftckua";
    for (const trigger_rule rule : all_rules)
        for (const char a : letters)
            for (const char b : letters) {
                const std::string early = decision(rule, upstream_of({std::string{a, '.'}}));
                if (early != "wait")
                    BOOST_TEST(early == decision(rule, upstream_of(std::string{a, b})));
            }
}

BOOST_AUTO_TEST_CASE(a_rule_is_applied_when_its_upstream_ends)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b");
    add(dag, "page", {0, 1}, trigger_rule::one_failed);
    add(dag, "next", {0, 1});
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1, start b.0#1");
    BOOST_TEST(m.fail(0) == "a failed, next upstream_failed, start page.0#1");
    BOOST_TEST(m.succeed(2) == "page success");
    BOOST_TEST(m.succeed(1) == "b success, run failed");
}

BOOST_AUTO_TEST_CASE(always_starts_with_the_run)
{
    graph::dag dag;
    add(dag, "a");
    add(dag, "b", {0}, trigger_rule::always);
    text_machine m(dag);
    BOOST_TEST(m.start() == "start a.0#1, start b.0#1");
}

BOOST_AUTO_TEST_CASE(a_tolerated_failure_lets_successors_go_on_and_still_calls_its_handler)
{
    graph::dag dag;
    add(dag, "a").allow_failure = true;
    add(dag, "next", {0});
    add(dag, "handler", {0}, trigger_rule::one_failed);
    text_machine m(dag);
    m.start();
    BOOST_TEST(m.fail(0) == "a failed, start next.0#1, start handler.0#1");
    m.succeed(1);
    BOOST_TEST(m.succeed(2) == "handler success, run success");
    BOOST_TEST(m.state(0) == "failed");
}

BOOST_AUTO_TEST_SUITE_END()
