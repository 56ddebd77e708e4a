#pragma once
/// @file
/// Programs beside this one: a peer that is run to its end, and a server that is there for as long as it is needed.

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace potoo::bench {

/// How a program ended.
struct program_end
{
    int exit_code = -1; ///< 127 when there is no such program, -1 by a signal
    std::string output; ///< what it printed to stdout
    double cpu_seconds = 0;
    double user_seconds = 0; ///< of them, outside of the kernel
};

/// Runs a program, looked up in PATH, to its end. Its stderr is ours.
[[nodiscard]] program_end run_program(const std::vector<std::string>& arguments);

/// What `wrk -t1 -c64` needs for a request.
struct wrk_result
{
    double requests = 0;
    double cpu_us_per_request = 0;
    double user_us_per_request = 0;
};

/// Nothing when wrk did not run.
[[nodiscard]] std::optional<wrk_result> run_wrk(const std::string& url, int for_seconds);

/// The job server of this folder in a process of its own, ended by the destructor.
class running_job_server
{
  public:
    running_job_server();
    ~running_job_server();
    running_job_server(const running_job_server&) = delete;
    running_job_server& operator=(const running_job_server&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// What the server has counted since it started.
    struct counts
    {
        double submissions = 0;
        double polls = 0;       ///< statuses asked for one at a time
        double batch_calls = 0; ///< calls for many
        double batched = 0;     ///< statuses in them
        double cancellations = 0;
        double delays = 0;    ///< jobs submitted after the end of another one
        double delay_p50 = 0; ///< seconds between that end and the submission
        double delay_p99 = 0;
        double delay_max = 0;
    };

    /// Asks it, on a connection of its own; blocks for the time of one request.
    [[nodiscard]] counts stats() const;

  private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

} // namespace potoo::bench
