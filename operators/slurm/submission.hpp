#pragma once
/// @file
/// What a task says of its job, as slurmrestd takes it.

#include <potoo/context.hpp>
#include <potoo/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::slurm {

/// The body of `/job/submit`.
/// @param comment by which the job is found
/// @param array empty, or the elements as Slurm spells them
/// @throws fatal when something of `with` cannot be said to Slurm
[[nodiscard]] json::object submission_of(context& ctx, std::string_view api_version, std::string_view comment,
                                         std::string_view array);

/// Minutes, rounded up, of `1h30m` (as everywhere in a DAG), of a number of minutes, or as Slurm spells times: `90`,
/// `90:00`, `1:30:00`, `1-12`, `1-12:30`, `1-12:30:00`.
[[nodiscard]] std::optional<std::int64_t> time_limit_minutes(const json::value& v);

/// Megabytes, rounded up, of a number of them, or of `512K`, `512M`, `2G`, `1T`.
[[nodiscard]] std::optional<std::int64_t> megabytes(const json::value& v);

/// A shell script that runs that command: a command line, or a list of a program and its arguments.
[[nodiscard]] std::string script_of(const json::value& command);

} // namespace potoo::slurm
