#include "engine/cli/commands.hpp"
#include "engine/cli/run_session.hpp"

#include <CLI/CLI.hpp>

namespace potoo::cli {

void add_state_option(CLI::App& command, std::string& state)
{
    command.add_option("--state", state, "Directory of the journal")
        ->type_name("DIR")
        ->envname("POTOO_STATE")
        ->capture_default_str();
}

void add_format_option(CLI::App& command, bool& json)
{
    command
        .add_option_function<std::string>(
            "-o,--output", [&json](const std::string& format) { json = format == "json"; },
            "How to print: table or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"table", "json"}));
}

void add_session_options(CLI::App& command, session_options& session)
{
    command.add_flag("--json", session.json, "Print events as JSON, one a line, instead of a display");
    command.add_option("--plugin", session.plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command
        .add_option_function<std::string>(
            "--on-stop", [&session](const std::string& what) { session.cancel_on_stop = what == "cancel"; },
            "What Ctrl-C does with remote jobs: leave them running, or cancel them")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"leave", "cancel"}))
        ->default_str("leave");
}

} // namespace potoo::cli
