#include "engine/cli/unconfirmed_jobs.hpp"

#include "engine/cli/state_request.hpp"

#include <fmt/format.h>

namespace potoo::cli {

std::string remote_jobs_text(std::size_t n)
{
    return n == 1 ? "1 remote job" : fmt::format("{} remote jobs", n);
}

std::string unconfirmed_text(std::size_t jobs, const std::string& what, const std::string& id, const std::string& state)
{
    std::string out = fmt::format("{}: {} may still run, for {} end is not confirmed", what, remote_jobs_text(jobs),
                                  jobs == 1 ? "its" : "their");
    if (id.empty())
        return out + '\n';
    return out + fmt::format("\n  which: {}\n  to stop {}: {}\n", next_command("status", id, state),
                             jobs == 1 ? "it" : "them", next_command("resume", id, state));
}

} // namespace potoo::cli
