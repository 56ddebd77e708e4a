#pragma once
/// @file
/// Rows of the journal as JSON.

#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

namespace potoo::cli {

[[nodiscard]] json::object run_json(const journal::run_row& r);

[[nodiscard]] json::object task_json(const journal::task_row& t);

/// `data` of a record: parsed when it is JSON, a string otherwise, null when empty.
[[nodiscard]] json::value recorded_json(const std::string& data);

} // namespace potoo::cli
