#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/graph_drawing.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/terminal.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace potoo::cli {

namespace {

struct graph_arguments
{
    std::string file;
    std::vector<std::string> plugins;
    std::string format = "text";
};

exit_code draw(const graph_arguments& a)
{
    const auto dag = load_dag_file(a.file, a.plugins, {.any_secret = true});
    file_output out(STDOUT_FILENO);
    if (a.format == "dot")
        out.write(draw_dot(*dag));
    else if (a.format == "mermaid")
        out.write(draw_mermaid(*dag));
    else
        out.write(draw_text(*dag, ::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8()));
    out.flush();
    return exit_code::success;
}

} // namespace

void add_graph_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<graph_arguments>();
    CLI::App* c = app.add_subcommand("graph", "Draw a DAG file");
    c->add_option("FILE", a->file, "DAG file, YAML or JSON; - is standard input")->required()->type_name("");
    c->add_option("--format", a->format, "text, dot or mermaid")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "dot", "mermaid"}))
        ->capture_default_str();
    c->add_option("--plugin", a->plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    c->footer("Examples:\n"
              "  potoo graph nightly.yaml\n"
              "  potoo graph nightly.yaml --format dot | dot -Tsvg > nightly.svg");
    c->callback([a, &chosen] { chosen = [a] { return draw(*a); }; });
}

} // namespace potoo::cli
