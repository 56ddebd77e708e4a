#pragma once
/// @file
/// One change as it is told to subscribers.

#include "engine/journal/record.hpp"
#include "engine/runtime/run_origin.hpp"

#include <potoo/ids.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

enum class event_type : std::uint8_t
{
    run_created,
    run_started,
    run_ended,
    run_reopened,
    task_evaluated,
    task_ended,
    task_reopened,
    attempt_started,
    attempt_deferred,
    attempt_resumed,
    attempt_ended,
    attempt_interrupted,
    retry_scheduled,
    cancel_requested,
    paused,
    resumed,
    pool_resized,
    remote_unconfirmed,
    remote_confirmed,
    progress,
    property,
    warning,
};

/// What is known about a type of event.
struct event_type_details
{
    event_type type;
    std::string_view name;
    bool transient; ///< not in the journal: told once to who listens at that moment, and never again
};

/// The one table of all types, in their order.
inline constexpr std::array event_types{
    event_type_details{event_type::run_created, "run_created", false},
    event_type_details{event_type::run_started, "run_started", false},
    event_type_details{event_type::run_ended, "run_ended", false},
    event_type_details{event_type::run_reopened, "run_reopened", false},
    event_type_details{event_type::task_evaluated, "task_evaluated", false},
    event_type_details{event_type::task_ended, "task_ended", false},
    event_type_details{event_type::task_reopened, "task_reopened", false},
    event_type_details{event_type::attempt_started, "attempt_started", false},
    event_type_details{event_type::attempt_deferred, "attempt_deferred", false},
    event_type_details{event_type::attempt_resumed, "attempt_resumed", false},
    event_type_details{event_type::attempt_ended, "attempt_ended", false},
    event_type_details{event_type::attempt_interrupted, "attempt_interrupted", false},
    event_type_details{event_type::retry_scheduled, "retry_scheduled", false},
    event_type_details{event_type::cancel_requested, "cancel_requested", false},
    event_type_details{event_type::paused, "paused", false},
    event_type_details{event_type::resumed, "resumed", false},
    event_type_details{event_type::pool_resized, "pool_resized", true},
    event_type_details{event_type::remote_unconfirmed, "remote_unconfirmed", false},
    event_type_details{event_type::remote_confirmed, "remote_confirmed", false},
    event_type_details{event_type::progress, "progress", true},
    event_type_details{event_type::property, "property", true},
    event_type_details{event_type::warning, "warning", true},
};

[[nodiscard]] constexpr std::string_view to_string(event_type t) noexcept
{
    return event_types[static_cast<std::size_t>(t)].name;
}

/// The type that a record is told as; nothing for those that say nothing about a state.
[[nodiscard]] std::optional<event_type> type_of(journal::record_kind k) noexcept;

/// The run that an event is about.
struct event_run
{
    run_id id;
    std::string dag;
    runtime::run_origin origin;
    std::string head;               ///< `,"run":…,"dag":…`
    std::vector<std::string> tasks; ///< names, by `task_index`
};

struct event
{
    journal::record_seq seq{0};           ///< 0 = transient
    std::shared_ptr<const event_run> run; ///< null for what is about no run in particular
    event_type type{};
    journal::recorded_state state = journal::recorded_state::none; ///< that the run, task or item is in now
    std::string task;                                              ///< its name; empty = all of the run
    std::string text;                                              ///< the JSON object
};

} // namespace potoo::server
