#pragma once
/// @file
/// What the operator of an attempt was given, rendered again from what the journal has of its run.

#include "engine/journal/store.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <functional>
#include <string>

namespace potoo::host {

/// `{operator, with, env}`, with what upstream tasks had yielded when the attempt started. Secrets are `***`; what the
/// operator takes unrendered (a shell command, a poll's condition) is as written.
/// @throws std::invalid_argument when there is no such task, item or attempt; std::runtime_error when the DAG does not
/// load any more or an expression cannot be evaluated; journal::store_error
[[nodiscard]] json::value rendered_input(journal::reader& journal, const journal::run_row& run, const std::string& task,
                                         item_index item, attempt_number attempt);

/// The input of one attempt.
struct attempt_input
{
    const std::string& task;
    std::string item;     ///< its key, or its index; empty without `foreach`
    bool of_many = false; ///< of a `foreach`
    json::value input;    ///< as of `rendered_input`, or `{problem}` where it cannot be rendered
};

/// False ends the reading. Must not use the reader.
using input_visitor = std::function<bool(attempt_input)>;

/// Calls `visit` with the input of each attempt of a run, in the order in which they began. Reads the run once.
/// @throws std::runtime_error when the DAG does not load any more; journal::store_error
void visit_inputs(journal::reader& journal, const journal::run_row& run, const input_visitor& visit);

} // namespace potoo::host
