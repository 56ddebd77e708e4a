#pragma once
/// @file
/// The server's configuration file, named or found.

#include "engine/server/config/server_config.hpp"

#include <string>
#include <vector>

namespace potoo::cli {

/// The one that was named, else that of the current folder; empty = there is none.
[[nodiscard]] std::string configuration_file(const std::string& named);

/// What it says; without a file what holds then. @throws host::config_error
[[nodiscard]] server::server_config read_configuration(const std::string& named);

/// Names of the secrets that DAGs may use without declaring them: those of the configuration and of its state
/// directory. @throws host::config_error
[[nodiscard]] std::vector<std::string> configured_secrets(const std::string& named);

} // namespace potoo::cli
