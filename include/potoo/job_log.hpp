#pragma once
/// @file
/// What a job wrote: passed on to the task's log, and its last line looked at.

#include <potoo/context.hpp>
#include <potoo/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// A job that writes JSON as the last line of its standard output gives it as its `result`. For `backend::logs`.
class job_log
{
  public:
    /// A longer line is no result.
    static constexpr std::size_t longest_result = std::size_t{1} << 20;

    /// @param ctx outlives it
    explicit job_log(context& ctx) : context_(ctx) {}

    /// Output in pieces of any size, in order.
    void add(output_stream stream, std::string_view piece);

    /// The last line of standard output that is not blank, if it is JSON.
    [[nodiscard]] std::optional<json::value> result() const;

    /// Puts the result, if there is one, into a job's output as `result`. Says in the log when there almost was one.
    void add_result(json::value& output) const;

  private:
    [[nodiscard]] const std::string& last_line() const noexcept;

    context& context_;
    std::string last_;      ///< whole line that is not blank, behind which nothing but blank lines came
    std::string begun_;     ///< line that has not ended
    bool too_long_ = false; ///< `begun_` is, and is not kept
};

} // namespace potoo
