#include "engine/cli/cli.hpp"

#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/unknown_argument.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/cli/version_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <csignal>

#include <unistd.h>

namespace potoo::cli {

namespace {

void print(std::string_view text)
{
    file_output out(STDOUT_FILENO);
    out.write(text);
    out.flush();
}

void add_commands(CLI::App& app, command_action& chosen)
{
    add_run_command(app, chosen);
    add_resume_command(app, chosen);
    add_validate_command(app, chosen);
    add_graph_command(app, chosen);
    add_schema_command(app, chosen);
    add_operators_command(app, chosen);
    add_ls_command(app, chosen);
    add_status_command(app, chosen);
    add_logs_command(app, chosen);
    add_cancel_command(app, chosen);
    add_retry_command(app, chosen);
    add_pause_command(app, chosen);
    add_approve_command(app, chosen);
    add_complete_command(app, chosen);
    add_server_command(app, chosen);
    add_trigger_command(app, chosen);
    add_replay_command(app, chosen);
    add_submit_command(app, chosen);
    add_tasks_command(app, chosen);
    add_pools_command(app, chosen);
    add_why_command(app, chosen);
    add_diff_command(app, chosen);
    add_token_command(app, chosen);
    add_config_command(app, chosen);
    add_gc_command(app, chosen);
    add_completion_command(app, chosen);
}

/// Under which heading a command stands in the help.
struct command_group
{
    std::string_view heading;
    std::vector<std::string_view> commands;
};

void group_commands(CLI::App& app)
{
    const std::array groups{
        command_group{"Run DAGs here, and look at what there is",
                      {"run", "resume", "validate", "graph", "schema", "operators"}},
        command_group{"Runs, in a state directory or at a server (--server)",
                      {"ls", "status", "logs", "cancel", "retry", "pause", "approve", "complete", "why", "pools"}},
        command_group{"A server", {"server", "trigger", "replay", "submit", "tasks", "diff", "token", "config"}},
        command_group{"Housekeeping", {"gc", "completion"}},
    };
    for (const command_group& g : groups)
        for (CLI::App* c : app.get_subcommands([](CLI::App* s) { return !s->get_group().empty(); }))
            if (std::find(g.commands.begin(), g.commands.end(), c->get_name()) != g.commands.end())
                c->group(std::string(g.heading));
}

void describe_program(CLI::App& app, command_action& chosen)
{
    app.name("potoo");
    app.description("Launches jobs elsewhere and watches thousands of them from one core.");
    app.set_version_flag("-V,--version", version_text());
    app.set_help_flag("-h,--help", "Print this help");
    app.require_subcommand(0, 1);
    app.get_formatter()->column_width(34);
    app.footer("potoo COMMAND --help tells more about a command. Data goes to standard output, all else to\n"
               "standard error.");
    add_commands(app, chosen);
    group_commands(app);
}

const CLI::App& command_of(const CLI::App& app)
{
    const auto named = app.get_subcommands();
    return named.empty() ? app : command_of(*named.front());
}

/// @return what to end with when the arguments ask for nothing more
std::optional<exit_code> read_arguments(CLI::App& app, int argc, char** argv)
{
    try {
        app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::CallForHelp&) {
        print(app.help());
    } catch (const CLI::CallForVersion&) {
        print(version_text() + "\n");
    } catch (const CLI::ExtrasError&) {
        throw usage_error(unknown_argument_text(app));
    } catch (const CLI::ParseError& e) {
        throw usage_error(
            fmt::format("potoo: error: {}\nTry: {} --help\n", e.what(), name_of_command(command_of(app))));
    }
    return exit_code::success;
}

exit_code do_command(int argc, char** argv)
{
    CLI::App app;
    command_action chosen;
    describe_program(app, chosen);
    if (const auto done = read_arguments(app, argc, argv))
        return *done;
    if (!chosen) {
        report_text(command_of(app).help());
        return exit_code::usage;
    }
    return chosen();
}

} // namespace

int main(int argc, char** argv)
{
    // A reader that has gone is an error to be told by `write`, not an end without a word to the journal.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return static_cast<int>(do_command(argc, argv));
    } catch (...) {
        return static_cast<int>(report_current_exception());
    }
}

} // namespace potoo::cli
