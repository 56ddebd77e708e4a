#include "engine/cli/display/failure_notes.hpp"

#include "engine/cli/display/elapsed_text.hpp"

#include <fmt/format.h>

namespace potoo::cli {

using schedule::attempt_outcome;

std::optional<std::string> failure_notes::note(const shown_run& run, const runtime::attempt_report& report)
{
    if (report.outcome != attempt_outcome::failed && report.outcome != attempt_outcome::timed_out) {
        tail_.forget(report.task, report.item);
        return std::nullopt;
    }
    const auto lines = tail_.take(report.task, report.item);
    if (++failures_ > told_at_most)
        return std::nullopt;
    std::string out =
        fmt::format("{} {} after {}", attempt_name(run, report.task, report.item),
                    report.outcome == attempt_outcome::failed ? "failed" : "timed out", elapsed_text(report.elapsed));
    if (report.attempt.value() > 1 || report.will_retry)
        out += fmt::format(" (attempt {}{})", report.attempt.value(), report.will_retry ? ", will be tried again" : "");
    if (report.error)
        out += ": " + error_message(*report.error);
    out += '\n';
    for (const std::string& line : lines)
        out += "  | " + line + '\n';
    if (failures_ == told_at_most)
        out += "further failures are only counted\n";
    return out;
}

} // namespace potoo::cli
