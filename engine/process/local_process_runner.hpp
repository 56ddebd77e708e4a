#pragma once
/// @file
/// Processes on this machine.

#include <potoo/process.hpp>

#include <memory>

namespace potoo::process {

struct process_host;

/// Runs programs as children of the engine.
///
/// Besides what `process_runner` says:
/// - A child gets the given environment and nothing else, no descriptor but its three standard ones, default signal
/// actions,
///   no blocked signals. Without input its standard input is `/dev/null`.
/// - The group ends with its leader. When the leader has ended and something in the background still holds its output
/// open,
///   reading goes on for one second; then, or when the output has ended, what is left of the group gets KILL. What is
///   to live on must leave the group (`setsid`).
/// - Told to stop, it gives the group the whole grace: it is over when the leader *and* the output have ended.
/// - Output is read in turns of at most 64 KiB, so a child that floods is slowed down rather than buffered.
/// - A failure to start has the code `cannot_start`.
///
/// A small guardian process, started with the first child, kills the groups if the engine dies. Sets SIGCHLD to its
/// default action if it was ignored, because a child's end would not be known otherwise.
class local_process_runner final : public process_runner
{
  public:
    /// The runner may be destroyed before tasks that run; `l` may not.
    explicit local_process_runner(potoo::loop& l);
    ~local_process_runner() override;

    local_process_runner(const local_process_runner&) = delete;
    local_process_runner& operator=(const local_process_runner&) = delete;

    [[nodiscard]] task<process_end> run(process_spec spec, output_sink sink) override;

  private:
    potoo::loop& loop_;
    std::shared_ptr<process_host> host_;
};

} // namespace potoo::process
