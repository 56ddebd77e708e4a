#pragma once
/// @file
/// Fetches the secrets that a DAG refers to, when a run of it starts.

#include "engine/graph/dag.hpp"
#include "engine/runtime/secret_mask.hpp"

#include <potoo/json.hpp>
#include <potoo/process.hpp>
#include <potoo/task.hpp>

#include <stdexcept>

namespace potoo::runtime {

/// A secret cannot be had. Its text names the secret and where it should have come from, never its value.
class secret_error : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

/// Name → text of every secret of `d`, all of them added to `mask`. One line feed at the end of a file, or of what a
/// command prints, is not part of it. The arguments must outlive the task.
/// @throws secret_error
[[nodiscard]] task<json::object> resolve_secrets(const graph::dag& d, process_runner& processes, secret_mask& mask);

} // namespace potoo::runtime
