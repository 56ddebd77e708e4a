#pragma once
/// @file
/// The commands. Each adds itself to the program's arguments; the one that was named puts what is to be done into
/// `chosen`.

#include "engine/cli/display/exit_code.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace potoo::cli {

using command_action = std::function<exit_code()>;

void add_run_command(CLI::App& app, command_action& chosen);
void add_server_command(CLI::App& app, command_action& chosen);
void add_resume_command(CLI::App& app, command_action& chosen);
void add_cancel_command(CLI::App& app, command_action& chosen);
void add_complete_command(CLI::App& app, command_action& chosen);
void add_approve_command(CLI::App& app, command_action& chosen);
void add_gc_command(CLI::App& app, command_action& chosen);
void add_validate_command(CLI::App& app, command_action& chosen);
void add_graph_command(CLI::App& app, command_action& chosen);
void add_schema_command(CLI::App& app, command_action& chosen);
void add_operators_command(CLI::App& app, command_action& chosen);
void add_ls_command(CLI::App& app, command_action& chosen);
void add_status_command(CLI::App& app, command_action& chosen);
void add_logs_command(CLI::App& app, command_action& chosen);
void add_trigger_command(CLI::App& app, command_action& chosen);
void add_retry_command(CLI::App& app, command_action& chosen);
void add_pause_command(CLI::App& app, command_action& chosen);
void add_submit_command(CLI::App& app, command_action& chosen);
void add_tasks_command(CLI::App& app, command_action& chosen);
void add_pools_command(CLI::App& app, command_action& chosen);
void add_why_command(CLI::App& app, command_action& chosen);
void add_diff_command(CLI::App& app, command_action& chosen);
void add_replay_command(CLI::App& app, command_action& chosen);
void add_token_command(CLI::App& app, command_action& chosen);
void add_config_command(CLI::App& app, command_action& chosen);
void add_completion_command(CLI::App& app, command_action& chosen);

struct session_options;

/// Options that several commands share.
void add_state_option(CLI::App& command, std::string& state);
void add_format_option(CLI::App& command, bool& json);
void add_length_option(CLI::App& command, std::size_t& most);
void add_limit_options(CLI::App& command, session_options& session);
void add_session_options(CLI::App& command, session_options& session);

} // namespace potoo::cli
