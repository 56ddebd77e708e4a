#include "engine/cli/display/summary.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/text_width.hpp"

#include <fmt/format.h>

namespace potoo::cli {

namespace {

std::string words(std::string_view state)
{
    std::string out(state);
    for (char& c : out)
        if (c == '_')
            c = ' ';
    return out;
}

std::string end_text(const run_report& report)
{
    if (report.detached)
        return "was stopped, not ended,";
    switch (report.state) {
    case schedule::run_state::success:
        return "succeeded";
    case schedule::run_state::cancelled:
        return "was cancelled";
    default:
        return words(to_string(report.state));
    }
}

std::string failure_text(const task_failure& f)
{
    std::string out = fmt::format("  {} {}", f.task, words(to_string(f.state)));
    if (f.items > 1)
        out += fmt::format(" ({} of {} items)", f.failed_items, f.items);
    if (!f.error.empty())
        out += ": " + f.error;
    return out + '\n';
}

std::string detached_text(const run_report& report, const next_commands& next)
{
    std::string out;
    const auto remote = report.items[schedule::task_state::deferred];
    if (remote > 0)
        out += fmt::format("{} {} deferred; what {} for elsewhere was left alone.\n", remote,
                           remote == 1 ? "attempt was" : "attempts were", remote == 1 ? "it waits" : "they wait");
    if (next.resume.empty())
        return out + "The run was not kept (--ephemeral), so it cannot be resumed.\n";
    return out + fmt::format("Resume with: {}\n", next.resume);
}

} // namespace

std::string summary_text(const run_report& report, const next_commands& next)
{
    std::string out = fmt::format("{}: run {} {} after {}", report.dag_name, report.id.value(), end_text(report),
                                  elapsed_text(report.elapsed));
    const std::string tasks = counts_text(report.tasks);
    if (!tasks.empty())
        out += fmt::format("; tasks: {}", tasks);
    if (report.items != report.tasks && report.items.total() > 0)
        out += fmt::format("; items: {}", counts_text(report.items));
    out += '\n';
    for (const task_failure& f : report.failures)
        out += failure_text(f);
    if (report.failures_left_out > 0)
        out += fmt::format("  and {} more\n", report.failures_left_out);
    if (!report.failures.empty() && !next.logs.empty())
        out += fmt::format("More: {} {}\n", next.logs, report.failures.front().task);
    if (report.detached)
        out += detached_text(report, next);
    return out;
}

} // namespace potoo::cli
