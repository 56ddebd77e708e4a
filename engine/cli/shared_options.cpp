#include "engine/cli/commands.hpp"

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

} // namespace potoo::cli
