#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/manual_page.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/table.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/operator_json.hpp"
#include "engine/graph/spelling.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr std::size_t widest_page = 100;

struct operators_arguments
{
    std::string name;
    std::vector<std::string> plugins;
    bool json = false;
};

std::string list(bool as_json)
{
    json::array documents;
    table t({{"NAME"}, {"KIND"}, {"SUMMARY"}});
    for (const operator_entry* op : operators().all()) {
        documents.push_back(graph::describe_operator(*op));
        t.add({op->name, op->sensor ? "sensor" : "operator", op->summary});
    }
    if (as_json)
        return json::serialize(documents) + '\n';
    return t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8());
}

std::string describe(const std::string& name, bool as_json)
{
    const operator_entry* op = operators().find(name);
    if (!op) {
        std::vector<std::string_view> names;
        for (const operator_entry* known : operators().all())
            names.emplace_back(known->name);
        const auto nearest = graph::nearest_spelling(name, names);
        throw usage_error(fmt::format("there is no operator {}{}", name,
                                      nearest.empty() ? "; `potoo operators` lists them"
                                                      : fmt::format("; did you mean {}?", nearest)));
    }
    if (as_json)
        return json::serialize(graph::describe_operator(*op)) + '\n';
    return manual_page(*op, std::min(window_of(STDOUT_FILENO).columns, widest_page));
}

} // namespace

void add_operators_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<operators_arguments>();
    CLI::App* c = app.add_subcommand("operators", "List the operators, or print the manual page of one");
    c->add_option("NAME", a->name, "The operator to describe")->type_name("");
    c->add_option("--plugin", a->plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    add_format_option(*c, a->json);
    c->footer("Examples:\n  potoo operators\n  potoo operators http_job");
    c->callback([a, &chosen] {
        chosen = [a] {
            load_plugins(a->plugins);
            file_output out(STDOUT_FILENO);
            out.write(a->name.empty() ? list(a->json) : describe(a->name, a->json));
            out.flush();
            return exit_code::success;
        };
    });
}

} // namespace potoo::cli
