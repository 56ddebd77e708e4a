#pragma once
/// @file
/// `config.yaml` in a state directory: what holds for every engine on it.

#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/start_gate.hpp"

#include <stdexcept>
#include <string>

namespace potoo::host {

struct state_config
{
    journal::retention keep;      ///< applied by the engine; without a rule nothing is removed
    runtime::start_limits limits; ///< what an engine takes on at once
};

/// The file is wrong. Its text is whole lines, each problem with its place.
class config_error : public std::runtime_error
{
  public:
    explicit config_error(const std::string& text) : std::runtime_error(text) {}
};

/// Without a file, or with an empty one, nothing is configured. @throws config_error
[[nodiscard]] state_config read_state_config(const journal::state_layout& layout);

/// @param name for messages @throws config_error
[[nodiscard]] state_config parse_state_config(const std::string& text, const std::string& name);

} // namespace potoo::host
