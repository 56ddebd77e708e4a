#include "engine/cli/cli.hpp"

#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/unknown_argument.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/cli/version_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

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
    add_run_command(app, chosen);
    add_resume_command(app, chosen);
    add_cancel_command(app, chosen);
    add_complete_command(app, chosen);
    add_validate_command(app, chosen);
    add_graph_command(app, chosen);
    add_schema_command(app, chosen);
    add_operators_command(app, chosen);
    add_ls_command(app, chosen);
    add_status_command(app, chosen);
    add_logs_command(app, chosen);
    add_gc_command(app, chosen);
    add_completion_command(app, chosen);
}

const CLI::App& command_of(const CLI::App& app)
{
    const auto named = app.get_subcommands();
    return named.empty() ? app : *named.front();
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
        const std::string command = command_of(app).get_parent() ? " " + command_of(app).get_name() : "";
        throw usage_error(fmt::format("potoo: error: {}\nTry: potoo{} --help\n", e.what(), command));
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
        report_text(app.help());
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
