#pragma once
// The trigger rules once more, written from their description over lists of states, to check the machine against.

#include "engine/graph/dag.hpp"
#include "engine/schedule/states.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace potoo::schedule::testing {

struct naive_upstream
{
    std::optional<task_state> ended_as; ///< nothing = not done
    bool allow_failure = false;
};

/// `wait`, `start`, `skipped` or `upstream_failed`.
inline std::string naive_decision(graph::trigger_rule rule, const std::vector<naive_upstream>& upstream)
{
    using graph::trigger_rule;
    if (upstream.empty() || rule == trigger_rule::always)
        return "start";

    const auto is = [](task_state s) { return [s](const naive_upstream& u) { return u.ended_as == s; }; };
    const auto done = [](const naive_upstream& u) { return u.ended_as.has_value(); };
    const auto fell = [](const naive_upstream& u) {
        return u.ended_as == task_state::failed || u.ended_as == task_state::timed_out;
    };
    const auto skipped = is(task_state::skipped);
    const auto good = [&](const naive_upstream& u) {
        return u.ended_as == task_state::success || (fell(u) && u.allow_failure);
    };
    const auto bad = [&](const naive_upstream& u) { return done(u) && !good(u) && !skipped(u); };
    const auto not_well = [&](const naive_upstream& u) { return bad(u) || fell(u); };
    const auto all = [&](const auto& what) { return std::all_of(upstream.begin(), upstream.end(), what); };
    const auto any = [&](const auto& what) { return std::any_of(upstream.begin(), upstream.end(), what); };
    const auto or_else = [&](bool impossible, const char* end) -> std::string { return impossible ? end : "wait"; };

    switch (rule) {
    case trigger_rule::all_success:
        if (any(bad))
            return "upstream_failed";
        return all(good) ? "start" : or_else(all(done), "skipped");
    case trigger_rule::all_done:
        return all(done) ? "start" : "wait";
    case trigger_rule::all_failed:
        return all(not_well) ? "start" : or_else(any(is(task_state::success)) || any(skipped), "skipped");
    case trigger_rule::all_skipped:
        return all(skipped) ? "start" : or_else(any([&](const auto& u) { return done(u) && !skipped(u); }), "skipped");
    case trigger_rule::one_success:
        if (any(good))
            return "start";
        return or_else(all(done), all(skipped) ? "skipped" : "upstream_failed");
    case trigger_rule::one_failed:
        return any(not_well) ? "start" : or_else(all(done), "skipped");
    case trigger_rule::one_done:
        return any(good) || any(fell) ? "start" : or_else(all(done), "skipped");
    case trigger_rule::none_failed:
        if (any(bad))
            return "upstream_failed";
        return all(done) ? "start" : "wait";
    case trigger_rule::none_failed_min_one_success:
        if (any(bad))
            return "upstream_failed";
        return all(done) && any(good) ? "start" : or_else(all(done), "skipped");
    case trigger_rule::none_skipped:
        return all(done) && !any(skipped) ? "start" : or_else(any(skipped), "skipped");
    case trigger_rule::always:
        break;
    }
    return "start";
}

} // namespace potoo::schedule::testing
