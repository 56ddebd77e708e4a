#include "engine/runtime/attempt_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace potoo::runtime {

using journal::recorded_state;
using schedule::attempt_outcome;
using schedule::run_state;
using schedule::task_state;

attempt_result failed_result(failure_class c, std::string_view message, std::string_view code)
{
    attempt_result r;
    r.outcome = c == failure_class::skip ? attempt_outcome::skipped : attempt_outcome::failed;
    r.error["class"] = to_string(c);
    if (!code.empty())
        r.error["code"] = code;
    r.error["message"] = message;
    return r;
}

namespace {

attempt_result cancelled_result(cancel_reason reason, bool timed_out)
{
    attempt_result r;
    r.outcome = timed_out ? attempt_outcome::timed_out : attempt_outcome::cancelled;
    r.error["class"] = timed_out ? "timed_out" : "cancelled";
    r.error["code"] = timed_out ? "timed_out" : to_string(reason);
    r.error["message"] = timed_out ? std::string("timed out") : "cancelled (" + std::string(to_string(reason)) + ")";
    return r;
}

} // namespace

attempt_result result_of(const std::exception_ptr& e, cancel_reason requested, bool timed_out)
{
    try {
        std::rethrow_exception(e);
    } catch (const cancelled& c) {
        // It stopped a part of the operator, which did not see to it.
        if (requested == cancel_reason::none && c.reason() == cancel_reason::sibling)
            return failed_result(failure_class::retryable,
                                 "the cancellation of a task that ran beside others left the operator", "sibling");
        // One that nobody outside asked for comes from a deadline of the operator's own.
        const bool own_deadline = requested == cancel_reason::none && c.reason() == cancel_reason::deadline;
        return cancelled_result(c.reason(), timed_out || own_deadline);
    } catch (const task_error& f) {
        return failed_result(f.classification(), f.what(), f.code());
    } catch (const std::exception& x) {
        return failed_result(failure_class::retryable, x.what(), "exception");
    } catch (...) {
        return failed_result(failure_class::retryable, "the operator threw something that is no std::exception",
                             "exception");
    }
}

namespace {

bool is_deeper_than(const json::value& v, std::size_t depth)
{
    const auto deeper = [&](const json::value& child) { return depth == 0 || is_deeper_than(child, depth - 1); };
    if (const json::array* a = v.if_array())
        return std::any_of(a->begin(), a->end(), deeper);
    if (const json::object* o = v.if_object())
        return std::any_of(o->begin(), o->end(), [&](const auto& member) { return deeper(member.value()); });
    return false;
}

/// What JSON writes of such a number cannot be read back.
bool has_unwritable_number(const json::value& v)
{
    if (const double* d = v.if_double())
        return !std::isfinite(*d);
    if (const json::array* a = v.if_array())
        return std::any_of(a->begin(), a->end(), has_unwritable_number);
    if (const json::object* o = v.if_object())
        return std::any_of(o->begin(), o->end(), [](const auto& m) { return has_unwritable_number(m.value()); });
    return false;
}

} // namespace

std::string recordable_text(const json::value& v, std::string_view what, std::string_view kind, std::size_t max_depth)
{
    if (is_deeper_than(v, max_depth))
        throw fatal(fmt::format("{} is nested more than {} levels deep: put what is inside into a text or a file", what,
                                max_depth),
                    fmt::format("{}_too_deep", kind));
    if (has_unwritable_number(v))
        throw fatal(fmt::format("{} has a number that is not finite (NaN or infinity), which JSON does not have: write "
                                "it as a text or as null",
                                what),
                    fmt::format("{}_not_json", kind));
    std::string text = json::serialize(v);
    if (text.size() > max_output_size)
        throw fatal(fmt::format("{} has {} bytes as JSON, and the limit is {}: write it to a file and return its path",
                                what, text.size(), max_output_size),
                    fmt::format("{}_too_large", kind));
    return text;
}

std::string recorded_data(attempt_result& r)
{
    if (r.outcome == attempt_outcome::success) {
        try {
            return r.output.is_null() ? std::string() : recordable_text(r.output, "the output", "output");
        } catch (const fatal& e) {
            r = failed_result(e.classification(), e.what(), e.code());
        }
    }
    return r.error.empty() ? std::string() : json::serialize(r.error);
}

json::value parse_recorded(std::string_view text)
{
    json::parse_options options;
    options.max_depth = max_output_depth + 8;
    return text.empty() ? json::value() : json::parse(text, {}, options);
}

bool retry_allowed(const graph::retry_policy& policy, const attempt_result& r)
{
    if (r.outcome != attempt_outcome::failed && r.outcome != attempt_outcome::timed_out)
        return false;
    // What may still run must not get company.
    if (r.error.contains("remote"))
        return false;
    const json::value* c = r.error.if_contains("class");
    if (c && c->is_string() && (c->as_string() == "fatal" || c->as_string() == "unknown_outcome"))
        return false;
    if (policy.on.empty())
        return true;
    const json::value* code = r.error.if_contains("code");
    const auto names = [&](const std::string& on) {
        return on == to_string(r.outcome) || (code && code->is_string() && code->as_string() == on);
    };
    return std::any_of(policy.on.begin(), policy.on.end(), names);
}

recorded_state to_recorded(task_state s) noexcept
{
    switch (s) {
    case task_state::pending:
        return recorded_state::pending;
    case task_state::queued:
        return recorded_state::queued;
    case task_state::running:
        return recorded_state::running;
    case task_state::deferred:
        return recorded_state::deferred;
    case task_state::retrying:
        return recorded_state::retrying;
    case task_state::cancelling:
        return recorded_state::cancelling;
    case task_state::success:
        return recorded_state::success;
    case task_state::failed:
        return recorded_state::failed;
    case task_state::timed_out:
        return recorded_state::timed_out;
    case task_state::cancelled:
        return recorded_state::cancelled;
    case task_state::skipped:
        return recorded_state::skipped;
    case task_state::upstream_failed:
        return recorded_state::upstream_failed;
    }
    return recorded_state::none;
}

recorded_state to_recorded(run_state s) noexcept
{
    switch (s) {
    case run_state::queued:
        return recorded_state::queued;
    case run_state::running:
        return recorded_state::running;
    case run_state::paused:
        return recorded_state::paused;
    case run_state::success:
        return recorded_state::success;
    case run_state::failed:
        return recorded_state::failed;
    case run_state::cancelled:
        return recorded_state::cancelled;
    case run_state::timed_out:
        return recorded_state::timed_out;
    }
    return recorded_state::none;
}

recorded_state to_recorded(attempt_outcome o) noexcept
{
    switch (o) {
    case attempt_outcome::success:
        return recorded_state::success;
    case attempt_outcome::failed:
        return recorded_state::failed;
    case attempt_outcome::timed_out:
        return recorded_state::timed_out;
    case attempt_outcome::cancelled:
        return recorded_state::cancelled;
    case attempt_outcome::skipped:
        return recorded_state::skipped;
    case attempt_outcome::interrupted:
        return recorded_state::none;
    }
    return recorded_state::none;
}

attempt_outcome outcome_of(recorded_state s)
{
    switch (s) {
    case recorded_state::success:
        return attempt_outcome::success;
    case recorded_state::failed:
        return attempt_outcome::failed;
    case recorded_state::timed_out:
        return attempt_outcome::timed_out;
    case recorded_state::cancelled:
        return attempt_outcome::cancelled;
    case recorded_state::skipped:
        return attempt_outcome::skipped;
    default:
        throw std::invalid_argument("the journal says that an attempt ended in the state '" +
                                    std::string(to_string(s)) + "', which is no end");
    }
}

} // namespace potoo::runtime
