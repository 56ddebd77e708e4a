#pragma once
/// @file
/// What is said when an attempt fails: who, why, and the end of its log. Many failures are not told one by one.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/log_tail.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::cli {

class failure_notes
{
  public:
    /// Failures told with their logs; later ones are counted.
    static constexpr std::uint32_t told_at_most = 20;

    void log(task_index t, item_index i, journal::log_stream stream, std::string_view text)
    {
        tail_.add(t, i, stream, text);
    }

    /// Whole lines to show of an attempt that has ended; nothing when it did not fail, or too many have.
    [[nodiscard]] std::optional<std::string> note(const shown_run& run, const runtime::attempt_report& report);

    /// Failures that were not told.
    [[nodiscard]] std::uint32_t untold() const noexcept { return failures_ - std::min(failures_, told_at_most); }

  private:
    log_tail tail_;
    std::uint32_t failures_ = 0;
};

} // namespace potoo::cli
