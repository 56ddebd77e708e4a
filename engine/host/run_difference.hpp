#pragma once
/// @file
/// What changed from one run to another.

#include "engine/journal/store.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>

#include <functional>
#include <string>

namespace potoo::host {

/// What an attempt's operator was given, as far as it can be told; null where it cannot.
using input_lookup = std::function<json::value(const journal::run_row&, const std::string& task, item_index item,
                                               attempt_number attempt)>;

/// `before` and `after`: the ids. `run`, `dag`, `params`: what differs, by name, each `{before, after}`, null for what
/// was or is not there. `tasks`: those that differ, by name, and how: `definition` (as in the file), `input` (of the
/// first item's last attempt), `state`, `items`, `attempts`, `output`, `error`, `elapsed_ms`.
/// @param input_of may be empty: then inputs are not compared @throws journal::store_error
[[nodiscard]] json::object run_difference(journal::reader& journal, const journal::run_row& before,
                                          const journal::run_row& after, const input_lookup& input_of = {});

} // namespace potoo::host
