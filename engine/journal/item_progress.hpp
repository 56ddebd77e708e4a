#pragma once
/// @file
/// What a record changes in the state of its item.

#include "engine/journal/record.hpp"

namespace potoo::journal {

/// The state that a record puts its item in; `none` when it leaves it as it is.
[[nodiscard]] constexpr recorded_state item_state_after(const record& r) noexcept
{
    switch (r.kind) {
    case record_kind::attempt_started:
    case record_kind::attempt_resumed:
        return recorded_state::running;
    case record_kind::attempt_deferred:
        return recorded_state::deferred;
    case record_kind::attempt_interrupted:
    case record_kind::retry_scheduled:
        return recorded_state::retrying;
    case record_kind::attempt_ended:
        return r.state;
    case record_kind::cancel_requested:
        return recorded_state::cancelling;
    default:
        return recorded_state::none;
    }
}

} // namespace potoo::journal
