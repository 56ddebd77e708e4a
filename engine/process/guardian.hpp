#pragma once
/// @file
/// The guardian: a small process beside the engine that kills the engine's children when the engine has died, however
/// it died.
///
/// It is forked from the engine, holds none of its descriptors but one end of a socket pair, and sits in a session of
/// its own. A child enrols its process group there before it executes its program; the engine dismisses the group when
/// its leader has ended, before it is reaped (so that the number cannot belong to somebody else). When the socket ends,
/// every group that is still enrolled gets KILL, and the guardian exits. Processes that have left their group
/// (`setsid`) are out of its reach.

#include "engine/process/descriptor.hpp"

#include <set>

#include <sys/types.h>

namespace potoo::process {

class guardian
{
  public:
    guardian() = default;
    guardian(const guardian&) = delete;
    guardian& operator=(const guardian&) = delete;

    /// Lets it end and waits for that. Groups that are still enrolled are killed.
    ~guardian();

    /// Starts it unless it was started before. @throws std::system_error
    void start();

    /// Starts another when this one has died; what `admit` was told is enrolled there again. @throws std::system_error
    void restart();

    /// For `enrol`; -1 before `start`.
    [[nodiscard]] int socket() const noexcept { return socket_.get(); }

    /// For a child between fork and exec: async-signal-safe. @return false with `errno` when the guardian is gone
    [[nodiscard]] static bool enrol(int socket, pid_t group) noexcept;

    /// The child `group` has enrolled itself and executes its program.
    void admit(pid_t group) { groups_.insert(group); }

    /// The leader of `group` has ended and is about to be reaped.
    void dismiss(pid_t group) noexcept;

  private:
    void let_end() noexcept;

    descriptor socket_;
    pid_t pid_ = -1;
    std::set<pid_t> groups_;
};

} // namespace potoo::process
