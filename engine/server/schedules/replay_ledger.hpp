#pragma once
/// @file
/// What the ledger keeps of a replay.

#include "engine/server/schedules/replays.hpp"

#include <potoo/json.hpp>

#include <optional>
#include <string>

namespace potoo::server {

struct replay_record
{
    replay_row row;         ///< `active` is not kept
    std::string expression; ///< of the schedule when it was asked for
    std::string timezone;
    wall_time done{};     ///< every time up to this has its run
    bool settled = false; ///< its state is the last one, and every run that it began has ended
};

[[nodiscard]] json::value to_json(const replay_record& r);

/// @return nothing when it cannot be understood
[[nodiscard]] std::optional<replay_record> parse_replay(const std::string& id, const json::value& v);

} // namespace potoo::server
