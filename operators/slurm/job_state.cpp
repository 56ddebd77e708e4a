#include "job_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::slurm {
namespace {

enum class meaning : std::uint8_t
{
    goes_on, ///< whatever else is said of the job
    waits,
    completed,
    failed,
    cancelled,
};

struct state_row
{
    std::string_view name;
    meaning what;
    std::string_view code; ///< of a failure; empty: from the exit status
    bool retryable;
    std::string_view says; ///< of a failure: what became of the job
};

// clang-format off
constexpr std::array table{
    state_row{"PENDING",       meaning::waits,     {}, true, {}},
    state_row{"RUNNING",       meaning::waits,     {}, true, {}},
    state_row{"SUSPENDED",     meaning::waits,     {}, true, {}},
    state_row{"CONFIGURING",   meaning::goes_on,   {}, true, {}},
    state_row{"COMPLETING",    meaning::goes_on,   {}, true, {}},
    state_row{"POWER_UP_NODE", meaning::goes_on,   {}, true, {}},
    state_row{"REQUEUED",      meaning::goes_on,   {}, true, {}},
    state_row{"REQUEUE_FED",   meaning::goes_on,   {}, true, {}},
    state_row{"REQUEUE_HOLD",  meaning::goes_on,   {}, true, {}},
    state_row{"RESIZING",      meaning::goes_on,   {}, true, {}},
    state_row{"RESV_DEL_HOLD", meaning::goes_on,   {}, true, {}},
    state_row{"REVOKED",       meaning::goes_on,   {}, true, {}},
    state_row{"SIGNALING",     meaning::goes_on,   {}, true, {}},
    state_row{"SPECIAL_EXIT",  meaning::goes_on,   {}, true, {}},
    state_row{"STAGE_OUT",     meaning::goes_on,   {}, true, {}},
    state_row{"STOPPED",       meaning::goes_on,   {}, true, {}},
    state_row{"UPDATE_DB",     meaning::goes_on,   {}, true, {}},
    state_row{"LAUNCH_FAILED", meaning::waits,     {}, true, {}},
    state_row{"RECONFIG_FAIL", meaning::waits,     {}, true, {}},
    state_row{"EXPEDITING",    meaning::waits,     {}, true, {}},
    state_row{"COMPLETED",     meaning::completed, {}, true, {}},
    state_row{"FAILED",        meaning::failed,    {}, true, "failed"},
    state_row{"TIMEOUT",       meaning::failed,    "time_limit", true, "ran into its time limit"},
    state_row{"OUT_OF_MEMORY", meaning::failed,    "oom_killed", true, "was killed because it used more memory than it may"},
    state_row{"NODE_FAIL",     meaning::failed,    "node_fail", true, "was ended by the failure of its node"},
    state_row{"BOOT_FAIL",     meaning::failed,    "boot_fail", true, "was ended because its node could not be started"},
    state_row{"PREEMPTED",     meaning::failed,    "preempted", true, "was ended to make room for another job"},
    state_row{"DEADLINE",      meaning::failed,    "deadline", false, "could not end before its deadline in Slurm"},
    state_row{"CANCELLED",     meaning::cancelled, {}, true, {}},
};
// clang-format on

const state_row* row_of(std::string_view state)
{
    const auto* found = std::find_if(table.begin(), table.end(), [&](const state_row& r) { return r.name == state; });
    return found == table.end() ? nullptr : found;
}

template <class Function>
void for_each_word(std::string_view text, Function f)
{
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        if (!word.empty())
            f(word);
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
}

/// The row that decides; null when the job goes on.
const state_row* ending_row(std::string_view state)
{
    const state_row* end = nullptr;
    bool goes_on = false;
    for_each_word(state, [&](std::string_view word) {
        const state_row* r = row_of(word);
        goes_on |= r && r->what == meaning::goes_on;
        if (r && r->what >= meaning::completed)
            end = r;
    });
    return goes_on ? nullptr : end;
}

std::string why(const listed_job& j)
{
    std::string text;
    for (const std::string* part : {&j.reason, &j.description}) {
        if (!part->empty() && *part != "None")
            text += (text.empty() ? " (" : ", ") + *part;
    }
    return text.empty() ? text : text + ")";
}

/// From a raw wait status. One that no process can have is an error number of Slurm's.
void explain_failure(job_result& r, const listed_job& j, std::string_view id)
{
    const std::uint32_t signal = j.exit_status & 0x7fU;
    const std::uint32_t code = j.exit_status >> 8U;
    if (j.exit_status > 0xffff || (signal != 0 && code != 0)) {
        r.code = "launch_failed";
        r.error = fmt::format("Slurm could not start the job {}{}: its error {}. Mostly the output file or the working "
                              "directory cannot be written by the job's user on the node; the node's slurmd.log says "
                              "more",
                              id, why(j), j.exit_status);
    } else if (signal != 0) {
        r.code = fmt::format("signal_{}", signal);
        r.error = fmt::format("the job {} was ended by signal {}{}", id, signal, why(j));
    } else if (code != 0) {
        r.code = fmt::format("exit_{}", code);
        r.error = fmt::format("the job {} failed with exit code {}{}", id, code, why(j));
    } else {
        r.code = j.reason == "JobLaunchFailure" ? "launch_failed" : "failed";
        r.error = fmt::format("the job {} failed{}", id, why(j));
    }
}

json::value output_of(const listed_job& j, std::string_view id)
{
    json::object o{{"id", json::string(id)}, {"state", "COMPLETED"}, {"exit_code", j.exit_status >> 8U}};
    if (!j.nodes.empty())
        o["nodes"] = j.nodes;
    if (j.restarts > 0)
        o["restarts"] = j.restarts;
    return o;
}

/// What passes by itself as other jobs end and time goes by; anything else people may have to do something about.
bool is_usual_wait(std::string_view reason)
{
    constexpr std::array usual{"",           "None",      "Priority", "Resources",
                               "Dependency", "BeginTime", "Cleaning", "JobArrayTaskLimit"};
    return std::find(usual.begin(), usual.end(), reason) != usual.end();
}

} // namespace

std::optional<job_result> end_of(const listed_job& j, std::string_view id)
{
    const state_row* row = ending_row(j.state);
    if (!row)
        return std::nullopt;
    job_result r;
    r.retryable = row->retryable;
    if (row->what == meaning::completed) {
        r.output = output_of(j, id);
    } else if (row->what == meaning::cancelled) {
        r.ended = job_result::state::cancelled;
        r.error = fmt::format("the job {} was cancelled in Slurm{}", id, why(j));
    } else {
        r.ended = job_result::state::failed;
        if (row->code.empty()) {
            explain_failure(r, j, id);
        } else {
            r.code = row->code;
            r.error = fmt::format("the job {} {}{}", id, row->says, why(j));
        }
    }
    return r;
}

std::string notice_of(const listed_job& j, std::string_view id)
{
    const auto contains = [](std::string_view text, std::string_view part) {
        return text.find(part) != std::string_view::npos;
    };
    std::string unknown;
    for_each_word(j.state, [&](std::string_view word) {
        if (!row_of(word))
            unknown = word;
    });
    if (!unknown.empty())
        return fmt::format("the job {} is in the state {}, which is not known here; waiting on", id, unknown);
    const bool held = contains(j.reason, "Held") || contains(j.reason, "held") || contains(j.state, "HOLD") ||
                      contains(j.state, "SPECIAL_EXIT");
    if (held)
        return fmt::format("Slurm holds the job {}{}; it runs when it is released: scontrol release {}", id, why(j),
                           id);
    if (contains(j.reason, "DependencyNeverSatisfied") || contains(j.reason, "BadConstraints"))
        return fmt::format("Slurm will not start the job {}{}", id, why(j));
    if (j.restarts > 0)
        return fmt::format("Slurm has started the job {} anew, {} time{} so far{}", id, j.restarts,
                           j.restarts == 1 ? "" : "s", why(j));
    if (contains(j.state, "PENDING") && !is_usual_wait(j.reason))
        return fmt::format("the job {} is still pending{}", id, why(j));
    return {};
}

} // namespace potoo::slurm
