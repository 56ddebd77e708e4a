#include "engine/cli/completion_script.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace potoo::cli {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app)
{
    return app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); });
}

/// `-p`, `--param`, …
std::vector<std::string> spellings_of(const CLI::Option& o)
{
    std::vector<std::string> out;
    for (const auto& s : o.get_snames())
        out.push_back("-" + s);
    for (const auto& l : o.get_lnames())
        out.push_back("--" + l);
    return out;
}

/// Those of the command and of the commands within it, each spelling once.
std::vector<const CLI::Option*> options_of(const CLI::App& command)
{
    std::vector<const CLI::Option*> out = command.get_options();
    for (const CLI::App* inner : commands_of(command))
        for (const CLI::Option* o : inner->get_options())
            if (std::none_of(out.begin(), out.end(),
                             [&](const auto* known) { return spellings_of(*known) == spellings_of(*o); }))
                out.push_back(o);
    return out;
}

std::string all_spellings(const CLI::App& command)
{
    std::string out;
    for (const CLI::Option* o : options_of(command))
        for (const auto& s : spellings_of(*o))
            out += (out.empty() ? "" : " ") + s;
    return out;
}

std::string names_of(const std::vector<const CLI::App*>& commands)
{
    std::string out;
    for (const CLI::App* c : commands)
        out += (out.empty() ? "" : " ") + c->get_name();
    return out;
}

/// What follows an option.
enum class operand
{
    none,
    file,
    directory,
    words,
    anything,
};

operand operand_of(const CLI::Option& o)
{
    const std::string type = o.get_type_name();
    if (o.get_expected_max() == 0 || o.get_type_size() == 0)
        return operand::none;
    if (type == "FILE")
        return operand::file;
    if (type == "DIR")
        return operand::directory;
    return operand::anything;
}

std::string words_of(const CLI::Option& o)
{
    const std::string long_name = o.get_lnames().empty() ? "" : o.get_lnames().front();
    if (o.get_type_name().starts_with("FORMAT") && long_name == "output")
        return "table json";
    if (long_name == "format")
        return "text dot mermaid";
    if (long_name == "on-stop")
        return "leave cancel";
    if (long_name == "scope")
        return "private shared system";
    if (long_name == "role")
        return "viewer user admin";
    return {};
}

/// What stands where no option does: DAG files, runs, operators, DAGs of a server, shells.
std::string_view argument_of(std::string_view command)
{
    if (command == "run" || command == "validate" || command == "graph")
        return "file";
    constexpr std::array of_runs{"resume", "cancel", "status", "logs", "retry", "pause", "why", "diff", "approve"};
    if (std::find(of_runs.begin(), of_runs.end(), command) != of_runs.end())
        return "runs";
    if (command == "operators" || command == "submit")
        return "operators";
    if (command == "trigger" || command == "replay")
        return "dags";
    return command == "completion" ? "shells" : "nothing";
}

std::string bash_operands(const CLI::App& app)
{
    std::string files;
    std::string directories;
    std::string out;
    for (const CLI::App* c : commands_of(app))
        for (const CLI::Option* o : options_of(*c)) {
            const std::string words = words_of(*o);
            for (const auto& s : spellings_of(*o)) {
                const std::string pattern = fmt::format("{}:{}", c->get_name(), s);
                if (!words.empty())
                    out += fmt::format("        {}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return ;;\n", pattern,
                                       words);
                else if (operand_of(*o) == operand::file)
                    files += (files.empty() ? "" : "|") + pattern;
                else if (operand_of(*o) == operand::directory)
                    directories += (directories.empty() ? "" : "|") + pattern;
                else if (operand_of(*o) == operand::anything)
                    out += fmt::format("        {}) COMPREPLY=(); return ;;\n", pattern);
            }
        }
    if (!files.empty())
        out += fmt::format("        {}) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", files);
    if (!directories.empty())
        out += fmt::format("        {}) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n", directories);
    return out;
}

std::string escaped_for_zsh(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\')
            out += '\\';
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out;
}

std::string zsh_option(const CLI::Option& o)
{
    std::string out;
    for (const auto& s : spellings_of(o)) {
        std::string action;
        if (const auto words = words_of(o); !words.empty())
            action = fmt::format(":value:({})", words);
        else if (operand_of(o) == operand::file)
            action = ":file:_files";
        else if (operand_of(o) == operand::directory)
            action = ":directory:_files -/";
        else if (operand_of(o) == operand::anything)
            action = ":value:";
        out += fmt::format(" \\\n            '*{}[{}]{}'", s, escaped_for_zsh(o.get_description()), action);
    }
    return out;
}

} // namespace

std::string bash_completion(const CLI::App& app)
{
    std::string names;
    std::string options;
    std::string arguments;
    for (const CLI::App* c : commands_of(app)) {
        names += (names.empty() ? "" : " ") + c->get_name();
        options += fmt::format("        {}) options=\"{}\" ;;\n", c->get_name(), all_spellings(*c));
        const auto kind = argument_of(c->get_name());
        if (const std::string inner = names_of(commands_of(*c)); !inner.empty())
            arguments +=
                fmt::format("        {}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")) ;;\n", c->get_name(), inner);
        else if (kind == "file")
            arguments += fmt::format("        {}) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", c->get_name());
        else if (kind == "shells")
            arguments +=
                fmt::format("        {}) COMPREPLY=($(compgen -W \"bash zsh\" -- \"$cur\")) ;;\n", c->get_name());
        else if (kind != "nothing")
            arguments += fmt::format(
                "        {}) COMPREPLY=($(compgen -W \"$(\"${{words[0]}}\" complete-words {} \"${{words[@]:2}}\" "
                "2>/dev/null)\" -- \"$cur\")) ;;\n",
                c->get_name(), kind);
    }
    return fmt::format(R"sh(# bash completion for potoo
_potoo() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    local words=("${{COMP_WORDS[@]:0:COMP_CWORD}}") command="${{COMP_WORDS[1]}}" options=""
    words[0]="${{words[0]/#\~/$HOME}}"
    if [ "$COMP_CWORD" -le 1 ]; then
        COMPREPLY=($(compgen -W "{names} {global}" -- "$cur"))
        return
    fi
    case "$command:$previous" in
{operands}    esac
    if [[ "$cur" == -* ]]; then
        case "$command" in
{options}        esac
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        return
    fi
    case "$command" in
{arguments}        *) COMPREPLY=() ;;
    esac
}}
complete -o filenames -F _potoo potoo
)sh",
                       fmt::arg("names", names), fmt::arg("global", all_spellings(app)),
                       fmt::arg("operands", bash_operands(app)), fmt::arg("options", options),
                       fmt::arg("arguments", arguments));
}

std::string zsh_completion(const CLI::App& app)
{
    std::string names;
    std::string cases;
    for (const CLI::App* c : commands_of(app)) {
        names += fmt::format("        '{}:{}'\n", c->get_name(), escaped_for_zsh(c->get_description()));
        const auto kind = argument_of(c->get_name());
        const std::string inner = names_of(commands_of(*c));
        const std::string argument = !inner.empty()      ? fmt::format("'1:command:({})'", inner)
                                     : kind == "file"    ? "'*:file:_files'"
                                     : kind == "shells"  ? "'1:shell:(bash zsh)'"
                                     : kind == "nothing" ? ""
                                                         : fmt::format("\"1:{0}:($(${{words[1]}} complete-words {0} "
                                                                       "2>/dev/null))\"",
                                                                       kind);
        std::string options;
        for (const CLI::Option* o : options_of(*c))
            if (!spellings_of(*o).empty())
                options += zsh_option(*o);
        cases += fmt::format("        {}) _arguments {}{} ;;\n", c->get_name(), argument, options);
    }
    return fmt::format(R"sh(#compdef potoo
# zsh completion for potoo
_potoo() {{
    local -a commands
    commands=(
{names}    )
    if (( CURRENT == 2 )); then
        _describe -t commands 'potoo command' commands
        return
    fi
    local command=${{words[2]}}
    local potoo=${{words[1]}}
    words=("$potoo" "${{(@)words[3,-1]}}")
    (( CURRENT-- ))
    case $command in
{cases}    esac
}}
compdef _potoo potoo
)sh",
                       fmt::arg("names", names), fmt::arg("cases", cases));
}

} // namespace potoo::cli
