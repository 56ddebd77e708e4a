#pragma once
/// @file
/// Local processes as operators use them.

#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo {

enum class output_stream : std::uint8_t
{
    standard_output,
    standard_error,
};

struct process_spec
{
    std::vector<std::string> arguments;   ///< the program (looked up in the `PATH` of `environment`) and its arguments
    std::vector<std::string> environment; ///< `NAME=value`, the whole of it
    std::string directory;                ///< empty = the engine's
    std::string input;                    ///< for its standard input, which is then closed
    duration grace{10'000};               ///< from TERM to KILL when it is told to stop
};

struct process_end
{
    int exit_code = 0; ///< meaningless when it was killed by a signal
    int signal = 0;    ///< 0 = it exited
};

/// Receives output as it comes, in pieces of any size, on the loop. May not block.
using output_sink = std::function<void(output_stream, std::string_view)>;

class process_runner
{
  public:
    virtual ~process_runner() = default;

    /// Runs a process in a process group of its own until it, and its output, have ended. Told to stop, it sends TERM
    /// to the group, KILL after the grace, and throws `cancelled` once the process is gone. If the engine dies, the
    /// group is killed.
    /// @throws failure when the program cannot be started, with the reason
    [[nodiscard]] virtual task<process_end> run(process_spec spec, output_sink sink) = 0;
};

} // namespace potoo
