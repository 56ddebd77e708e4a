#include "engine/cli/run_source.hpp"

#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/state_runs.hpp"

namespace potoo::cli {

std::unique_ptr<run_source> open_source(const target_options& t)
{
    if (auto server = server_of(t))
        return open_server_runs(std::move(server));
    return open_state_runs(state_of(t));
}

} // namespace potoo::cli
