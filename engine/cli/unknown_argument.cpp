#include "engine/cli/unknown_argument.hpp"

#include "engine/graph/spelling.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

namespace potoo::cli {

namespace {

std::string option_problem(const CLI::App& command, const std::string& argument)
{
    const std::string name = argument.substr(0, argument.find('='));
    std::vector<std::string> known;
    for (const CLI::Option* o : command.get_options())
        for (const auto& l : o->get_lnames())
            known.push_back("--" + l);
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string nearest = graph::nearest_spelling(name, views);
    const std::string of = command.get_parent() ? fmt::format("`{}` has", name_of_command(command)) : "there is";
    return fmt::format("potoo: error: {} no option {}{}\n", of, name,
                       nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest));
}

std::string command_problem(const CLI::App& app, const std::string& argument)
{
    static constexpr std::array synonyms{
        graph::synonym{"list", "ls"},           graph::synonym{"runs", "ls"},
        graph::synonym{"log", "logs"},          graph::synonym{"check", "validate"},
        graph::synonym{"lint", "validate"},     graph::synonym{"start", "run"},
        graph::synonym{"exec", "run"},          graph::synonym{"show", "status"},
        graph::synonym{"continue", "resume"},   graph::synonym{"operator", "operators"},
        graph::synonym{"draw", "graph"},        graph::synonym{"stop", "cancel"},
        graph::synonym{"kill", "cancel"},       graph::synonym{"abort", "cancel"},
        graph::synonym{"callback", "complete"}, graph::synonym{"prune", "gc"},
        graph::synonym{"clean", "gc"},          graph::synonym{"rerun", "retry"},
        graph::synonym{"backfill", "replay"},   graph::synonym{"explain", "why"},
        graph::synonym{"compare", "diff"},      graph::synonym{"tokens", "token"},
        graph::synonym{"pool", "pools"},        graph::synonym{"task", "tasks"},
        graph::synonym{"hold", "pause"},        graph::synonym{"unpause", "resume"},
        graph::synonym{"serve", "server"},      graph::synonym{"watch", "status"}};
    std::vector<std::string> known;
    for (const CLI::App* c : app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
        known.push_back(c->get_name());
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string nearest = graph::nearest_spelling(argument, views, synonyms);
    if (app.get_parent())
        return fmt::format("potoo: error: `{}` has no {}{}\n", name_of_command(app), argument,
                           nearest.empty() ? fmt::format("; there are {}", fmt::join(known, ", "))
                                           : fmt::format("; did you mean {}?", nearest));
    if (nearest.empty() && (argument.ends_with(".yaml") || argument.ends_with(".yml") || argument.ends_with(".json")))
        return fmt::format("potoo: error: there is no command {}; to run a DAG file: potoo run {}\n", argument,
                           argument);
    return fmt::format("potoo: error: there is no command {}{}\n", argument,
                       nearest.empty() ? fmt::format("; there are {}", fmt::join(known, ", "))
                                       : fmt::format("; did you mean {}?", nearest));
}

} // namespace

std::string name_of_command(const CLI::App& command)
{
    return command.get_parent() ? name_of_command(*command.get_parent()) + " " + command.get_name() : "potoo";
}

std::string unknown_argument_text(const CLI::App& app)
{
    const CLI::App* innermost = &app;
    while (!innermost->get_subcommands().empty())
        innermost = innermost->get_subcommands().front();
    const CLI::App& command = *innermost;
    std::string out;
    for (const std::string& argument : app.remaining(true)) {
        if (argument.starts_with('-') && argument.size() > 1)
            out += option_problem(command, argument);
        else if (!command.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }).empty())
            return out + command_problem(command, argument) + fmt::format("Try: {} --help\n", name_of_command(command));
        else
            out += fmt::format("potoo: error: `{}` has no use for {}\n", name_of_command(command), argument);
    }
    return out + fmt::format("Try: {} --help\n", name_of_command(command));
}

} // namespace potoo::cli
