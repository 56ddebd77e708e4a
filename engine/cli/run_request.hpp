#pragma once
/// @file
/// Something is asked of a run in a state directory: of the engine that is alive there, or by a note for the next one.

#include "engine/host/journal_requests.hpp"
#include "engine/host/request_result.hpp"
#include "engine/journal/store.hpp"

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <functional>
#include <string>

namespace potoo::cli {

/// What is to be recorded while no engine lives.
using request_note = std::function<host::journal_request(journal::reader&, const journal::run_row&, wall_time now)>;

/// Blocks until it is in the journal.
/// @param request to the control socket; may be asked twice
/// @throws journal::store_error when there is neither an answer nor the right to write
[[nodiscard]] host::request_result ask_of_run(const std::string& state, const run_id& run, const json::object& request,
                                              const request_note& note);

/// @throws usage_error when it was not accepted, nor asked for before
void check_request(const host::request_result& r);

} // namespace potoo::cli
