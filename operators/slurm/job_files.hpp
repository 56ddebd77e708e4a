#pragma once
/// @file
/// What Slurm's jobs write goes to files, which can be read where the file system is shared.

#include "listing_scan.hpp"

#include <potoo/context.hpp>
#include <potoo/job_log.hpp>
#include <potoo/process.hpp>

#include <string>
#include <string_view>

namespace potoo::slurm {

/// Slurm's pattern with its `%j`, `%A`, `%a`, `%x`, … put in, against the job's working directory.
[[nodiscard]] std::string expand_path(std::string_view pattern, const listed_job& j);

/// Where the job's standard output goes.
[[nodiscard]] std::string output_path(const listed_job& j);

/// Where its standard error goes; empty when to the same file.
[[nodiscard]] std::string error_path(const listed_job& j);

/// Passes the file on to the log. Says there why, if it cannot be had.
[[nodiscard]] task<> read_job_file(context& ctx, job_log& log, output_stream stream, std::string path);

} // namespace potoo::slurm
