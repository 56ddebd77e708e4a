#pragma once
/// @file
/// Which file a program's name means, and why it could not be executed.

#include <string>
#include <vector>

namespace potoo::process {

/// Where a program is to be started.
struct program_place
{
    const std::string& name;
    const std::vector<std::string>& environment; ///< `NAME=value`
    const std::string& directory;                ///< relative paths are meant from here; empty = the engine's
};

/// The path to execute. A name with a slash is the path; any other is looked for in the `PATH` of the given environment
/// (or
/// `/usr/local/bin:/usr/bin:/bin` when that has none).
/// @throws failure
[[nodiscard]] std::string find_program(const program_place& where);

/// What `execve` meant by `error`, for people.
[[nodiscard]] std::string explain_exec_error(const program_place& where, const std::string& path, int error);

} // namespace potoo::process
