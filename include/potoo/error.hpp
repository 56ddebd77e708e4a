#pragma once
/// @file
/// How a task says that it failed, and how the engine says that it was stopped.
///
/// An operator throws one of `failure`, `fatal`, `unknown_outcome` or `skip`; anything else that it throws counts as
/// `failure` with the exception's `what()`. `cancelled` is thrown *into* an operator, at the point where it waits; let
/// it pass.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace potoo {

/// What may be done about a failure.
enum class failure_class : std::uint8_t
{
    retryable,       ///< another attempt may succeed
    fatal,           ///< another attempt would fail the same way: no retry
    unknown_outcome, ///< a request may have been accepted: never repeated blindly
    skip,            ///< there is nothing to do: the task ends `skipped`
};

/// The field-standard spelling: `retryable`, `fatal`, `unknown_outcome`, `skip`.
[[nodiscard]] constexpr std::string_view to_string(failure_class c) noexcept
{
    switch (c) {
    case failure_class::retryable:
        return "retryable";
    case failure_class::fatal:
        return "fatal";
    case failure_class::unknown_outcome:
        return "unknown_outcome";
    case failure_class::skip:
        return "skip";
    }
    return "?";
}

/// Why work was told to stop.
enum class cancel_reason : std::uint8_t
{
    none,
    user,       ///< somebody asked for it
    deadline,   ///< a timeout or deadline passed
    upstream,   ///< the run fails fast and another task failed
    shutdown,   ///< the engine stops: the work detaches, remote jobs go on
    lost_lease, ///< another engine owns the run now: the work detaches
    sibling,    ///< another branch of the same `any` ended first, or of the same `all` or `scope` failed
};

/// The engine lets go of the work without undoing anything: whoever resumes the run goes on with it, remote jobs and
/// all.
[[nodiscard]] constexpr bool detaches(cancel_reason r) noexcept
{
    return r == cancel_reason::shutdown || r == cancel_reason::lost_lease;
}

/// `user`, `deadline`, … as in the enumeration.
[[nodiscard]] constexpr std::string_view to_string(cancel_reason r) noexcept
{
    switch (r) {
    case cancel_reason::none:
        return "none";
    case cancel_reason::user:
        return "user";
    case cancel_reason::deadline:
        return "deadline";
    case cancel_reason::upstream:
        return "upstream";
    case cancel_reason::shutdown:
        return "shutdown";
    case cancel_reason::lost_lease:
        return "lost_lease";
    case cancel_reason::sibling:
        return "sibling";
    }
    return "?";
}

/// Base of what an operator throws to fail. `code` is a short stable word (`exit_1`, `http_503`) that `retry.on` can
/// name; it may be empty.
class task_error : public std::runtime_error
{
  public:
    task_error(failure_class c, const std::string& message, std::string code)
        : std::runtime_error(message), class_(c), code_(std::move(code))
    {}

    [[nodiscard]] failure_class classification() const noexcept { return class_; }

    [[nodiscard]] const std::string& code() const noexcept { return code_; }

  private:
    failure_class class_;
    std::string code_;
};

/// The attempt failed; another may succeed.
class failure : public task_error
{
  public:
    explicit failure(const std::string& message, std::string code = {})
        : task_error(failure_class::retryable, message, std::move(code))
    {}
};

/// The attempt failed and trying again is no use.
class fatal : public task_error
{
  public:
    explicit fatal(const std::string& message, std::string code = {})
        : task_error(failure_class::fatal, message, std::move(code))
    {}
};

/// A request may or may not have been accepted.
class unknown_outcome : public task_error
{
  public:
    explicit unknown_outcome(const std::string& message, std::string code = {})
        : task_error(failure_class::unknown_outcome, message, std::move(code))
    {}
};

/// There is nothing to do: the task ends `skipped`.
class skip : public task_error
{
  public:
    explicit skip(const std::string& message) : task_error(failure_class::skip, message, {}) {}
};

/// Thrown at the awaited leaf when the work is told to stop. Not derived from `std::exception`, so that
/// `catch (const std::exception&)` in an operator does not swallow it.
class cancelled
{
  public:
    explicit cancelled(cancel_reason reason) noexcept : reason_(reason) {}

    [[nodiscard]] cancel_reason reason() const noexcept { return reason_; }

  private:
    cancel_reason reason_;
};

} // namespace potoo
