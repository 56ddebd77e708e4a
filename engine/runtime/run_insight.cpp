// Why something of a run does not run, or why it does.

#include "engine/runtime/byte_size.hpp"
#include "engine/runtime/retry_timer.hpp"
#include "engine/runtime/run_executor.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::runtime {

schedule::explanation run_executor::why(task_index task, std::optional<item_index> item) const
{
    schedule::explanation e = schedule::explain(machine_, task, item);
    if (e.state == schedule::task_state::queued)
        say_what_holds(machine_, e);
    if (e.state == schedule::task_state::retrying)
        say_when_retried(task, item, e);
    if (schedule::is_in_flight(e.state) && (item || !dag()[task].foreach))
        say_since_when(task, item.value_or(item_index(0)), e);
    for (schedule::item_group& g : e.groups)
        g.why = std::move(why(task, g.example).reasons.front());
    if (schedule::is_terminal(e.state)) {
        const json::object* error = values_.error(task);
        if (error && schedule::is_unsuccessful(e.state))
            e.reasons.front().details["error"] = *error;
    } else if (dag().deadline) {
        const wall_time at = deadline_from_ + *dag().deadline;
        e.reasons.push_back(
            {"deadline", fmt::format("the run is stopped at {}", format_time(at)), {{"at", format_time(at)}}});
    }
    return e;
}

/// Of what could start, as far as its run goes.
void run_executor::say_what_holds(const schedule::run_machine& m, schedule::explanation& e) const
{
    if (m.is_paused() || e.reasons.front().code != "in_line")
        return;
    std::vector<schedule::reason> found;
    const start_gate& gate = services_.starts;
    const start_limits& limits = gate.limits();
    if (services_.log.over_limit())
        found.push_back({"journal", "the journal is behind: what is recorded is not on the disk yet", {}});
    if (gate.short_of_memory())
        found.push_back({"memory",
                         fmt::format("the engine uses more memory than `max_memory` allows ({})",
                                     format_byte_size(limits.max_memory)),
                         {{"limit", limits.max_memory}}});
    if (limits.max_attempts != 0 && gate.in_flight() >= limits.max_attempts)
        found.push_back({"engine_limit",
                         fmt::format("the engine has {} attempts under way, and `max_attempts` is {}", gate.in_flight(),
                                     limits.max_attempts),
                         {{"limit", limits.max_attempts}, {"in_flight", gate.in_flight()}}});
    if (gate.running() >= gate.most_running())
        found.push_back({"running_limit",
                         fmt::format("the engine has {} attempts running, and `max_running` is {}", gate.running(),
                                     gate.most_running()),
                         {{"limit", gate.most_running()}, {"running", gate.running()}}});
    if (!found.empty())
        e.reasons = std::move(found);
}

void run_executor::say_when_retried(task_index task, std::optional<item_index> item, schedule::explanation& e) const
{
    std::optional<wall_time> first;
    for (const auto& [key, timer] : retries_) {
        const bool is_asked = item ? key == key_of(task, *item) : key >> 32 == task.value();
        if (is_asked && (!first || timer->at() < *first))
            first = timer->at();
    }
    if (!first)
        return;
    const duration left = std::max(*first - services_.loop.wall_now(), duration{0});
    schedule::reason& retry = e.reasons.front();
    retry.text += fmt::format(", due in {}", format_duration(left));
    retry.details["at"] = format_time(*first);
}

void run_executor::say_since_when(task_index task, item_index item, schedule::explanation& e) const
{
    const live_attempt* a = attempts_.find(task, item);
    if (!a) {
        e.reasons.push_back({"journal", "it starts when what led to it is on the disk", {}});
        return;
    }
    const auto ran = std::chrono::floor<duration>(services_.loop.now() - a->started());
    schedule::reason& what = e.reasons.front();
    what.text += fmt::format(", started {} ago", format_duration(ran));
    what.details["since"] = format_time(services_.loop.wall_now() - ran);
}

} // namespace potoo::runtime
