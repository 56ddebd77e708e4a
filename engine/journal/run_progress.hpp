#pragma once
/// @file
/// What a record changes in the row of its run.

#include "engine/journal/record.hpp"
#include "engine/journal/store.hpp"

#include <optional>

namespace potoo::journal {

/// New values of a run's row.
struct run_progress
{
    recorded_state state;
    bool starts = false; ///< sets `started` if it is not set
    bool ends = false;   ///< sets `ended`; otherwise it is cleared
};

/// @return nothing when the record leaves the row as it is
[[nodiscard]] constexpr std::optional<run_progress> progress_of(const record& r) noexcept
{
    switch (r.kind) {
    case record_kind::run_started:
        return run_progress{recorded_state::running, true, false};
    case record_kind::resumed:
        return run_progress{recorded_state::running, false, false};
    case record_kind::paused:
        return run_progress{recorded_state::paused, false, false};
    case record_kind::run_reopened:
        return run_progress{recorded_state::queued, false, false};
    case record_kind::run_ended:
        return run_progress{r.state, false, true};
    default:
        return std::nullopt;
    }
}

} // namespace potoo::journal
