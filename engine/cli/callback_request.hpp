#pragma once
/// @file
/// Something is to be delivered to a callback of a state directory.

#include "engine/host/request_result.hpp"

#include <string>

namespace potoo::cli {

/// To the engine that is alive on the directory, or into its journal. @throws journal::store_error, host::bad_answer
[[nodiscard]] host::request_result deliver_callback(const host::callback_delivery& delivered, const std::string& state);

} // namespace potoo::cli
