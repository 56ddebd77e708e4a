#include "engine/cli/display/display.hpp"

#include "engine/cli/display/text_width.hpp"

#include <fmt/format.h>

#include <array>

namespace potoo::cli {

using schedule::task_state;

std::string attempt_name(const shown_run& run, task_index t, item_index i)
{
    const auto& spec = run.dag()[t];
    if (!spec.foreach)
        return spec.name;
    return fmt::format("{}[{}]", spec.name, printable(run.item_name(t, i)));
}

std::string error_message(const json::object& error)
{
    const auto* message = error.if_contains("message");
    return message && message->is_string() ? printable(std::string(message->get_string())) : json::serialize(error);
}

std::string counts_text(const schedule::state_counts& counts)
{
    constexpr std::array order{task_state::running,   task_state::deferred, task_state::cancelling,
                               task_state::retrying,  task_state::failed,   task_state::timed_out,
                               task_state::success,   task_state::skipped,  task_state::upstream_failed,
                               task_state::cancelled, task_state::queued,   task_state::pending};
    static_assert(order.size() == schedule::task_state_count);
    std::string out;
    for (const task_state s : order)
        if (counts[s] > 0)
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", counts[s], to_string(s));
    return out;
}

std::uint32_t ended_of(const schedule::state_counts& counts) noexcept
{
    std::uint32_t n = 0;
    for (std::size_t s = 0; s < schedule::task_state_count; ++s)
        if (is_terminal(static_cast<task_state>(s)))
            n += counts[static_cast<task_state>(s)];
    return n;
}

} // namespace potoo::cli
