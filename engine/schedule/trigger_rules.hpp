#pragma once
/// @file
/// When a task may start, by how its direct upstream tasks ended.
///
/// An upstream task counts as one of
///
/// | class       | ended as                                                                                       |
/// |-------------|------------------------------------------------------------------------------------------------|
/// | `succeeded` | `success`                                                                                      |
/// | `tolerated` | `failed` or `timed_out`, and has `allow_failure`                                               |
/// | `failed`    | `failed` or `timed_out`                                                                        |
/// | `blocked`   | `cancelled` or `upstream_failed`, with or without `allow_failure`, which excuses only failures |
/// | `skipped`   | `skipped`                                                                                      |
///
/// With *good* = succeeded or tolerated and *bad* = failed or blocked:
///
// clang-format off
/// | rule | starts when | known impossible when → the task ends |
/// |---|---|---|
/// | `all_success` | all are good | one is bad → `upstream_failed`; all done, none bad, one skipped → `skipped` |
/// | `all_done` | all are done | never |
/// | `all_failed` | all are bad or tolerated | one succeeded or was skipped → `skipped` |
/// | `all_skipped` | all were skipped | one was not skipped → `skipped` |
/// | `one_success` | one is good, without waiting | all done: all skipped → `skipped`, otherwise → `upstream_failed` |
/// | `one_failed` | one is bad or tolerated, without waiting | all done → `skipped` |
/// | `one_done` | one succeeded, failed or is tolerated, without waiting | all done → `skipped` |
/// | `none_failed` | all are good or skipped | one is bad → `upstream_failed` |
/// | `none_failed_min_one_success` | all are good or skipped, at least one is good | one is bad → `upstream_failed`; all skipped → `skipped` |
/// | `none_skipped` | all are done, none was skipped | one was skipped → `skipped` |
/// | `always` | at once, whatever upstream does | never |
// clang-format on
///
/// A task without upstream tasks starts at once under every rule. A tolerated failure lets successors that ask for
/// success go on, and still calls those that ask for failure (`one_failed`, `all_failed`): that is how a failure is
/// handled without failing the run.
///
/// For a given set of upstream outcomes the task's fate does not depend on the order in which they ended. That is why
/// `all_success` waits for all before it ends `skipped`: a failure may still come.

#include "engine/graph/dag.hpp"
#include "engine/schedule/states.hpp"

#include <cstdint>

namespace potoo::schedule {

/// How many of a task's direct upstream tasks are in which class.
struct upstream_tally
{
    std::uint32_t waiting = 0; ///< not ended
    std::uint32_t succeeded = 0;
    std::uint32_t tolerated = 0;
    std::uint32_t failed = 0;
    std::uint32_t blocked = 0;
    std::uint32_t skipped = 0;

    [[nodiscard]] constexpr std::uint32_t good() const noexcept { return succeeded + tolerated; }

    [[nodiscard]] constexpr std::uint32_t bad() const noexcept { return failed + blocked; }

    /// One upstream task, still waited for, ended in the terminal state `s`.
    constexpr void add(task_state s, bool allow_failure) noexcept
    {
        --waiting;
        ++class_of(s, allow_failure);
    }

    /// One that had ended so is waited for again.
    constexpr void take_back(task_state s, bool allow_failure) noexcept
    {
        ++waiting;
        --class_of(s, allow_failure);
    }

  private:
    [[nodiscard]] constexpr std::uint32_t& class_of(task_state s, bool allow_failure) noexcept
    {
        switch (s) {
        case task_state::success:
            return succeeded;
        case task_state::failed:
        case task_state::timed_out:
            return allow_failure ? tolerated : failed;
        case task_state::skipped:
            return skipped;
        default:
            return blocked;
        }
    }
};

enum class trigger_decision : std::uint8_t
{
    wait,
    start,
    skip,            ///< ends `skipped`
    upstream_failed, ///< ends `upstream_failed`
};

/// The table above.
[[nodiscard]] constexpr trigger_decision decide(graph::trigger_rule rule, const upstream_tally& t) noexcept
{
    using enum trigger_decision;
    using graph::trigger_rule;
    const bool done = t.waiting == 0;
    const std::uint32_t ended = t.good() + t.bad() + t.skipped;
    if (done && ended == 0)
        return start;

    switch (rule) {
    case trigger_rule::all_success:
        if (t.bad() > 0)
            return upstream_failed;
        return !done ? wait : t.skipped > 0 ? skip : start;
    case trigger_rule::all_done:
        return done ? start : wait;
    case trigger_rule::all_failed:
        if (t.succeeded > 0 || t.skipped > 0)
            return skip;
        return done ? start : wait;
    case trigger_rule::all_skipped:
        if (t.skipped < ended)
            return skip;
        return done ? start : wait;
    case trigger_rule::one_success:
        if (t.good() > 0)
            return start;
        return !done ? wait : t.bad() == 0 ? skip : upstream_failed;
    case trigger_rule::one_failed:
        if (t.bad() + t.tolerated > 0)
            return start;
        return done ? skip : wait;
    case trigger_rule::one_done:
        if (t.good() + t.failed > 0)
            return start;
        return done ? skip : wait;
    case trigger_rule::none_failed:
        if (t.bad() > 0)
            return upstream_failed;
        return done ? start : wait;
    case trigger_rule::none_failed_min_one_success:
        if (t.bad() > 0)
            return upstream_failed;
        return !done ? wait : t.good() > 0 ? start : skip;
    case trigger_rule::none_skipped:
        if (t.skipped > 0)
            return skip;
        return done ? start : wait;
    case trigger_rule::always:
        return start;
    }
    return wait;
}

} // namespace potoo::schedule
