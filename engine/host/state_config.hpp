#pragma once
/// @file
/// `config.yaml` in a state directory: what holds for every engine on it.

#include "engine/graph/dag.hpp"
#include "engine/host/config_document.hpp"
#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/start_gate.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::host {

struct state_config
{
    journal::retention keep;       ///< applied by the engine; without a rule nothing is removed
    runtime::start_limits limits;  ///< what an engine takes on at once
    graph::outside_spec outside{}; ///< secrets and connections for all DAGs
};

/// `over`, and where it says nothing `under`. The rules of what is kept go together; secrets and connections count by
/// their names.
[[nodiscard]] state_config laid_over(state_config under, const state_config& over);

/// Keys of a configuration that speak of the engine, wherever they stand.
inline constexpr std::array<std::string_view, 5> engine_keys{"keep_runs", "keep_for", "limits", "secrets",
                                                             "connections"};

/// What people write for them.
inline constexpr std::array<graph::synonym, 4> engine_key_synonyms{{
    {"keep", "keep_runs"},
    {"max_runs", "keep_runs"},
    {"retention", "keep_for"},
    {"keep_days", "keep_for"},
}};

/// Reads the `engine_keys` of the document; other keys are not looked at.
/// @param directory what files of secrets are relative to
void read_engine_keys(const config_document& d, const std::filesystem::path& directory, state_config& out);

/// Without a file, or with an empty one, nothing is configured. @throws config_error
[[nodiscard]] state_config read_state_config(const journal::state_layout& layout);

/// @param name its path @throws config_error
[[nodiscard]] state_config parse_state_config(const std::string& text, const std::string& name);

/// Names of the secrets that all DAGs may use: `load_options::secrets`.
[[nodiscard]] std::vector<std::string> names_of_secrets(const graph::outside_spec& outside);

} // namespace potoo::host
