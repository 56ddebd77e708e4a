#pragma once
/// @file
/// The start of a child process at a cost that does not depend on how large the engine is.

#include <cstdint>

#include <sys/types.h>

namespace potoo::process {

/// What the child is made of. Everything in it is only read, and must stay until `start_child` has returned.
struct child_plan
{
    const char* program = nullptr;
    char* const* arguments = nullptr;   ///< ends with null
    char* const* environment = nullptr; ///< ends with null
    const char* directory = nullptr;    ///< null = the engine's
    int input = -1;                     ///< becomes descriptor 0; -1 = /dev/null
    int output = -1;                    ///< becomes descriptor 1
    int error = -1;                     ///< becomes descriptor 2
    int guardian = -1;                  ///< see `guardian::enrol`
};

/// How far a child came.
enum class child_step : std::uint32_t
{
    fork,
    group,
    enrol,
    descriptors,
    directory,
    execute,
};

struct child_started
{
    pid_t pid = -1;                       ///< also when it failed after `fork`: to be dismissed and reaped
    child_step failed = child_step::fork; ///< meaningful when `error` is not 0
    int error = 0;                        ///< `errno` of the step that failed; 0 = the program is being executed
};

/// Starts a process that leads a group of its own, has default signal actions, no signal blocked, and no descriptor of
/// the engine's but the three given.
[[nodiscard]] child_started start_child(const child_plan& plan) noexcept;

} // namespace potoo::process
