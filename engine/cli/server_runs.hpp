#pragma once
/// @file
/// Runs at a server.

#include "engine/cli/remote/api_path.hpp"
#include "engine/cli/run_source.hpp"

#include <memory>
#include <string>

namespace potoo::cli {

/// @param since of `event_cursor`, before the run was there that is followed: all of it is told, also when it has ended
/// by now; empty = from now on
[[nodiscard]] std::unique_ptr<run_source> open_server_runs(std::unique_ptr<server_client> server,
                                                           std::string since = {});

/// A run as the server lists it.
/// @param named its id or the first characters of it; empty or `last` = the latest
/// @param unfinished the latest that has not ended is meant by `last`
/// @throws usage_error when there is none, or there are several (which are named)
[[nodiscard]] json::object find_server_run(server_client& server, const std::string& named, bool unfinished = false);

/// `potoo VERB RUN` for the same server.
[[nodiscard]] std::string server_command(const server_client& server, std::string_view verb, const std::string& run);

/// Where the events stand now, to be followed from here.
[[nodiscard]] std::string event_cursor(server_client& server);

struct following
{
    std::string since{};            ///< of `event_cursor`; empty = from now on
    std::function<void()> begun{};  ///< called once signals end the following only; may be empty
    std::function<bool()> enough{}; ///< also ends it, when it returns true; may be empty
    bool whole = false;             ///< the run began after `since`, so that its end comes after it too
};

/// Visits what a server tells of a run until it has ended, or a signal has come.
[[nodiscard]] followed_end follow_server_run(server_client& server, const std::string& run, const event_visitor& visit,
                                             const following& how = {});

/// What a server has at `path`, whole. @throws server_error
[[nodiscard]] json::array server_list(server_client& server, api_path path);

} // namespace potoo::cli
