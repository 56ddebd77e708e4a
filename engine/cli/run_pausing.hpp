#pragma once
/// @file
/// Holding a run or a DAG of a server back, and letting it go on.

#include "engine/cli/display/exit_code.hpp"

#include <string>

namespace potoo::cli {

class server_client;

struct pause_wish
{
    std::string run; ///< as named on the command line
    std::string dag; ///< instead of a run: a DAG of a server
    bool paused = true;
    bool json = false;
};

/// Says what has come of it. @throws usage_error unless exactly one of run and DAG is named
exit_code set_paused_at(server_client& server, const pause_wish& wish);

/// The same for a run in a state directory.
exit_code set_paused_in(const std::string& state, const pause_wish& wish);

} // namespace potoo::cli
