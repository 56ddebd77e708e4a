#pragma once
/// @file
/// Why a task does not run, or why it does, as JSON: the same for the API, the control socket and the command line.

#include "engine/host/run_sight.hpp"
#include "engine/journal/store.hpp"
#include "engine/schedule/explain.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <optional>
#include <string>

namespace potoo::host {

/// Why the task has no such item; empty = it has.
[[nodiscard]] std::string item_problem(const journal::task_row& t, item_index item);

/// `state`, `reasons`, `items`: what the engine that carries the run says.
[[nodiscard]] json::object explanation_json(const schedule::explanation& e, const run_sight& sees = {});

/// `run`, `task`, `item`, and what the engine says, with the errors that the journal has.
/// @param item one that the task has; nothing = the task as a whole
/// @param said `explanation_json`; nothing = no engine carries the run: what the journal knows of it, whose code is
/// `not_carried` or `ended`, then where the task stood
/// @throws journal::store_error
[[nodiscard]] json::object why_json(journal::reader& journal, const journal::run_row& run, task_index task,
                                    std::optional<item_index> item, std::optional<json::object> said);

} // namespace potoo::host
