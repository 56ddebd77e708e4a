#pragma once
/// @file
/// What a command is about: a state directory, or a server.

#include "engine/cli/remote/server_access.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace potoo::cli {

class server_client;

/// `--state`, `--server` and what belongs to them, as given. The environment is asked by the functions below.
struct target_options
{
    std::string state;
    std::string server;
    std::string token_file;
    std::string ca_file;
    const CLI::Option* state_option = nullptr; ///< null: the command knows servers only
};

/// For commands that know both.
void add_target_options(CLI::App& command, target_options& t);

/// For commands that only a server can do.
void add_server_options(CLI::App& command, target_options& t);

/// The server that is meant; null when it is a state directory.
/// @throws usage_error when both are given, or something of it makes no sense
[[nodiscard]] std::unique_ptr<server_client> server_of(const target_options& t);

/// The server that is meant. @throws usage_error when none is
[[nodiscard]] std::unique_ptr<server_client> needed_server(const target_options& t);

/// The state directory, when no server is meant: `--state`, `POTOO_STATE` or `.potoo`.
[[nodiscard]] std::string state_of(const target_options& t);

} // namespace potoo::cli
