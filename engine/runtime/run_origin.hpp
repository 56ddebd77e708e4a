#pragma once
/// @file
/// Why there is a run: who or what began it, and what for. Kept with the run in the journal.

#include "engine/graph/dag.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace potoo::runtime {

struct run_origin
{
    std::string
        by; ///< `cli`, `api`, `schedule`, `trigger` (another DAG's success), `replay`, `task` (ad hoc), `embedded`
    std::string who;   ///< name of the token that asked; empty = the local user, or nobody
    std::string name;  ///< that somebody gave it; of an ad-hoc task, too
    std::string cause; ///< id of what it belongs to: the run that triggered it, the replay, the ad-hoc task
    std::string key;   ///< that the asker gave, so that asking twice begins one run
    std::optional<wall_time> scheduled{}; ///< the time of the calendar that it is for

    friend bool operator==(const run_origin&, const run_origin&) = default;
};

/// A JSON object; members that are empty are left out. `{}` for one that says nothing.
[[nodiscard]] std::string to_json(const run_origin& o);

/// What `to_json` wrote; empty text and unknown members are ignored. @return nothing when it is no such thing
[[nodiscard]] std::optional<run_origin> read_run_origin(std::string_view text);

/// The same; an origin that cannot be read says nothing, so that the run can still be shown, carried and removed.
[[nodiscard]] run_origin parse_run_origin(std::string_view text);

/// What expressions call `run`: `id`, `dag`, `started_at`, `origin` (`by`, or null) and `scheduled` (or null).
[[nodiscard]] json::object run_names(const run_id& id, const graph::dag& d, wall_time created, const run_origin& o);

} // namespace potoo::runtime
