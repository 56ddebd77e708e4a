#pragma once
/// @file
/// What changed from one run to another.

#include "engine/journal/store.hpp"

#include <potoo/json.hpp>

#include <atomic>

namespace potoo::host {

/// `before` and `after`: the ids. `run`, `dag`, `params`: what differs, by name, each `{before, after}`, null for what
/// was or is not there. `tasks`: those that differ, by name, and how: `definition` (as in the file), `input` (of the
/// last attempt), `state`, `items`, `attempts`, `output`, `error`, `elapsed_ms`. The `input` of a `foreach` has those
/// items that differ, by key or index, as far as the first few; `more` says how many others do.
/// Reads each run once.
/// @param stop set from another thread: nobody wants it any more, and it ends with `cancelled`
/// @throws journal::store_error
[[nodiscard]] json::object run_difference(journal::reader& journal, const journal::run_row& before,
                                          const journal::run_row& after, const std::atomic<bool>* stop = nullptr);

} // namespace potoo::host
