#pragma once
/// @file
/// Events as JSON text.

#include "engine/journal/record.hpp"
#include "engine/server/events/event.hpp"
#include "engine/server/runs/run_carrier.hpp"

#include <potoo/time.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// `event_run::head` of such a run.
[[nodiscard]] std::string head_of(const run_id& id, std::string_view dag);

/// @return nothing when such a record is not told
[[nodiscard]] std::optional<event> event_of(journal::record_seq seq, const journal::record& r,
                                            std::shared_ptr<const event_run> run);

/// @return nothing when such a notice is not told
[[nodiscard]] std::optional<event> event_of(const run_notice& notice, wall_time at);

[[nodiscard]] event pool_event(std::string_view pool, std::uint32_t slots, wall_time at);

/// Marks of a message besides its events.
struct message_marks
{
    bool incomplete = false;   ///< runs were removed since the cursor that was given
    std::string_view end{};    ///< reason why it is the last one
    std::string_view detail{}; ///< and what to do about it
};

/// `{"cursor":"123","events":[…]}`
[[nodiscard]] std::string message_of(journal::record_seq cursor, const std::vector<const event*>& events,
                                     const message_marks& marks = {});

} // namespace potoo::server
