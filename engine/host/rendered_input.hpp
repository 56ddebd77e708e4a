#pragma once
/// @file
/// What the operator of an attempt was given, rendered again from what the journal has of its run.

#include "engine/journal/store.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <string>

namespace potoo::host {

/// `{operator, with, env}`, with what upstream tasks had yielded when the attempt started. Secrets are `***`; what the
/// operator takes unrendered (a shell command, a poll's condition) is as written.
/// @throws std::invalid_argument when there is no such task, item or attempt; std::runtime_error when the DAG does not
/// load any more or an expression cannot be evaluated; journal::store_error
[[nodiscard]] json::value rendered_input(journal::reader& journal, const journal::run_row& run, const std::string& task,
                                         item_index item, attempt_number attempt);

} // namespace potoo::host
