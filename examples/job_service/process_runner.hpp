#pragma once

#include "asio_types.hpp"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace job_service {

struct process_spec
{
    std::vector<std::string> command;                     // program (looked for in PATH) and its arguments
    std::vector<std::pair<std::string, std::string>> env; // laid over the service's own
    std::string cwd;                                      // empty: the service's own
};

/// How a process ended: by itself with a code, or by a signal.
struct process_end
{
    std::optional<int> exit_code;
    int signal = 0;
};

enum class output_stream
{
    out,
    err
};

/// A running process, leader of a process group of its own. When it ends, what is left of its group is killed.
class process : public std::enable_shared_from_this<process>
{
  public:
    struct handlers
    {
        std::function<void(output_stream, std::string_view)> output;
        std::function<void(process_end)> ended; // the last call; all output that was there has been handed over
    };

    /// Throws std::system_error if the process cannot be started.
    static std::shared_ptr<process> start(executor where, const process_spec& spec, handlers tell);

    /// Sends a signal to the whole group; does nothing after the end.
    void signal_group(int number);

    process(executor where, pid_t pid, handlers tell);

  private:
    void watch_output(output_stream which);
    void watch_end();
    bool read_some(output_stream which);
    void end();

    descriptor& pipe_of(output_stream which) { return which == output_stream::out ? out_ : err_; }

    pid_t pid_;
    bool ended_ = false;
    descriptor out_;
    descriptor err_;
    descriptor pid_descriptor_;
    handlers tell_;
};

} // namespace job_service
