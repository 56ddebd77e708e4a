#pragma once
/// @file
/// What an attempt ended with, from the operator's exception to the journal and back.

#include "engine/graph/dag.hpp"
#include "engine/journal/record.hpp"
#include "engine/schedule/states.hpp"

#include <potoo/error.hpp>
#include <potoo/json.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace potoo::runtime {

struct attempt_result
{
    schedule::attempt_outcome outcome = schedule::attempt_outcome::success;
    json::value output; ///< of a success
    json::object error; ///< `class`, `code` (may be missing), `message`; empty for a success

    /// The operator came to its end as it wanted, whatever it was told meanwhile.
    [[nodiscard]] bool is_by_itself() const noexcept
    {
        return outcome == schedule::attempt_outcome::success || outcome == schedule::attempt_outcome::skipped;
    }
};

/// Largest output of one attempt, and result of one step, as JSON text.
inline constexpr std::size_t max_output_size = std::size_t{16} << 20;

/// Deepest nesting of either.
inline constexpr std::size_t max_output_depth = 200;

/// The JSON text of a value that is to be recorded. @param what names it: "the result of the step `x`"
/// @throws fatal `<kind>_too_large`, `<kind>_too_deep`, or `<kind>_not_json` for NaN and infinity
[[nodiscard]] std::string recordable_text(const json::value& v, std::string_view what, std::string_view kind = "result",
                                          std::size_t max_depth = max_output_depth);

[[nodiscard]] attempt_result failed_result(failure_class c, std::string_view message, std::string_view code = {});

/// @param e what the operator threw
/// @param requested why the attempt was told to stop, or `none`
/// @param timed_out it was its own timeout that told it to
[[nodiscard]] attempt_result result_of(const std::exception_ptr& e, cancel_reason requested, bool timed_out);

/// May there be another attempt after this end, as far as its kind goes? The number is the scheduler's to count.
[[nodiscard]] bool retry_allowed(const graph::retry_policy& policy, const attempt_result& r);

/// The JSON text of an end, as it is recorded. An output that is too large or too deep makes the end a failure.
[[nodiscard]] std::string recorded_data(attempt_result& r);

/// Reads such text back; empty = null. @throws boost::system::system_error
[[nodiscard]] json::value parse_recorded(std::string_view text);

[[nodiscard]] journal::recorded_state to_recorded(schedule::task_state s) noexcept;
[[nodiscard]] journal::recorded_state to_recorded(schedule::run_state s) noexcept;
[[nodiscard]] journal::recorded_state to_recorded(schedule::attempt_outcome o) noexcept;

/// @throws std::invalid_argument for a state that is no outcome
[[nodiscard]] schedule::attempt_outcome outcome_of(journal::recorded_state s);

} // namespace potoo::runtime
