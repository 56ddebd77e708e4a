#pragma once
/// @file
/// Rows of the journal as JSON.

#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

#include <optional>

namespace potoo::host {

[[nodiscard]] json::object run_json(const journal::run_row& r);

[[nodiscard]] json::object task_json(const journal::task_row& t);

[[nodiscard]] json::object item_json(const journal::item_row& i);

/// One that died with its engine is `interrupted`.
[[nodiscard]] json::object attempt_json(const journal::attempt_row& a);

/// The remote jobs of a run, or of all, that may run still: `run`, `task`, `item`, `attempt`, `token`, `why`.
[[nodiscard]] json::array unconfirmed_json(journal::reader& journal, std::optional<journal::run_number> run);

/// `data` of a record: parsed when it is JSON, a string otherwise, null when empty.
[[nodiscard]] json::value recorded_json(const std::string& data);

} // namespace potoo::host
