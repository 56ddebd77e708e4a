#pragma once
/// @file
/// Fetches secrets from where a DAG or the configuration says that they are.

#include "engine/graph/dag.hpp"
#include "engine/runtime/secret_mask.hpp"

#include <potoo/json.hpp>
#include <potoo/process.hpp>
#include <potoo/task.hpp>

#include <span>
#include <stdexcept>

namespace potoo::runtime {

/// A secret, or what needs it, cannot be had. Its text names the secret and where it should have come from, never its
/// value.
class secret_error : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

/// Name → text of each of `secrets`, all of them added to `mask`. One line feed at the end of a file, or of what a
/// command prints, is not part of it. What the arguments refer to must outlive the task.
/// A command has a minute. @throws secret_error
[[nodiscard]] task<json::object> resolve_secrets(std::span<const graph::secret_source> secrets,
                                                 process_runner& processes, secret_mask& mask);

} // namespace potoo::runtime
