#pragma once
/// @file
/// What became of something that was asked of a server about a run.

#include "engine/host/request_result.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>

namespace potoo::cli {

class server_client;

/// Asks for `POST runs/RUN/VERB`: `accepted` or `repeated`. @throws server_error
[[nodiscard]] host::request_result ask_about_run(server_client& server, const std::string& run, std::string_view verb,
                                                 const json::object& wish);

/// Why asking has changed nothing.
[[nodiscard]] std::string repeated_text(const host::request_result& r);

} // namespace potoo::cli
