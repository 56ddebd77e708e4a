#pragma once
/// @file
/// What is said of remote jobs that may run still, for nothing has confirmed their end.

#include <cstddef>
#include <string>

namespace potoo::cli {

/// `2 remote jobs`
[[nodiscard]] std::string remote_jobs_text(std::size_t n);

/// A whole line: how many of a run may run still, where they are named, and what sees to them.
/// @param jobs at least 1
/// @param what the run, in words
/// @param id of the run; empty when its journal is not kept
[[nodiscard]] std::string unconfirmed_text(std::size_t jobs, const std::string& what, const std::string& id,
                                           const std::string& state);

} // namespace potoo::cli
