#pragma once
/// @file
/// `config.yaml` in a state directory: what holds for every engine on it.

#include "engine/host/config_document.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/start_gate.hpp"

#include <array>
#include <string>
#include <string_view>

namespace potoo::host {

struct state_config
{
    journal::retention keep;      ///< applied by the engine; without a rule nothing is removed
    runtime::start_limits limits; ///< what an engine takes on at once
};

/// `over`, and where it says nothing `under`. The rules of what is kept go together.
[[nodiscard]] state_config laid_over(state_config under, const state_config& over);

/// Keys of a configuration that speak of the engine, wherever they stand.
inline constexpr std::array<std::string_view, 3> engine_keys{"keep_runs", "keep_for", "limits"};

/// What people write for them.
inline constexpr std::array<graph::synonym, 4> engine_key_synonyms{{
    {"keep", "keep_runs"},
    {"max_runs", "keep_runs"},
    {"retention", "keep_for"},
    {"keep_days", "keep_for"},
}};

/// Reads the `engine_keys` of a map; other keys are not looked at.
void read_engine_keys(graph::node_view root, graph::field_reader& fields, state_config& out);

/// Without a file, or with an empty one, nothing is configured. @throws config_error
[[nodiscard]] state_config read_state_config(const journal::state_layout& layout);

/// @param name for messages @throws config_error
[[nodiscard]] state_config parse_state_config(const std::string& text, const std::string& name);

} // namespace potoo::host
