#include "engine/cli/commands.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/runtime/byte_size.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>

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

namespace {

/// As CLI11 has it: empty when there is none.
std::string size_problem(const std::string& text)
{
    if (runtime::parse_byte_size(text).value_or(0) > 0)
        return {};
    return fmt::format("{}: write a size of memory with its unit, such as 512MiB or 2GiB", text);
}

/// As CLI11 has it: empty when there is none.
std::string length_problem(const std::string& text)
{
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    const bool good = ec == std::errc() && end == text.data() + text.size();
    return good ? "" : fmt::format("{}: write a whole number, such as 100, or 0 for all", text);
}

} // namespace

void add_length_option(CLI::App& command, std::size_t& most)
{
    command.add_option("--limit", most, "At most so many; 0 = all")
        ->type_name("N")
        ->check(length_problem)
        ->capture_default_str();
}

void add_limit_options(CLI::App& command, session_options& session)
{
    command
        .add_option("--max-attempts", session.limits.max_attempts,
                    "Start no attempt while so many are in flight in this engine")
        ->type_name("N")
        ->check(CLI::Range(std::uint32_t{1}, std::numeric_limits<std::uint32_t>::max()));
    command
        .add_option("--max-running", session.limits.max_running,
                    "Start no attempt while so many run that do not wait for something remote; 1024 if not given")
        ->type_name("N")
        ->check(CLI::Range(std::uint32_t{1}, std::numeric_limits<std::uint32_t>::max()));
    command
        .add_option_function<std::string>(
            "--max-memory",
            [&session](const std::string& text) { session.limits.max_memory = runtime::parse_byte_size(text).value(); },
            "Start no attempt while the engine uses more memory, such as 2GiB")
        ->type_name("SIZE")
        ->check(size_problem);
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
    add_limit_options(command, session);
}

} // namespace potoo::cli
