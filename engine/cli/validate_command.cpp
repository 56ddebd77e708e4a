#include "engine/cli/commands.hpp"
#include "engine/cli/configuration.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/graph_drawing.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

namespace potoo::cli {

namespace {

struct validate_arguments
{
    std::string file;
    std::string config;
    std::vector<std::string> plugins;
    bool json = false;
};

std::string counted(std::size_t n, std::string_view what)
{
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

json::object as_json(const graph::load_result& r)
{
    json::object out{{"file", r.source_name}, {"valid", r.value != nullptr}};
    if (r.value) {
        out["dag"] = r.value->name;
        out["tasks"] = r.value->tasks.size();
        out["layers"] = tasks_by_layer(*r.value).size();
        return out;
    }
    json::array problems;
    for (const auto& p : r.problems) {
        json::object problem{{"line", p.where.line}, {"column", p.where.column}, {"message", p.message}};
        if (!p.suggestion.empty())
            problem["suggestion"] = p.suggestion;
        problems.push_back(std::move(problem));
    }
    out["problems"] = std::move(problems);
    out["problems_left_out"] = r.problems_left_out;
    return out;
}

exit_code validate(const validate_arguments& a)
{
    const graph::load_result r =
        check_dag_file(read_dag_file(a.file), a.plugins, {.secrets = configured_secrets(a.config)});
    file_output out(STDOUT_FILENO);
    if (a.json)
        out.line(json::serialize(as_json(r)));
    else if (r.value)
        out.line(fmt::format("{}: {} is valid: {} in {}, {}", r.source_name, r.value->name,
                             counted(r.value->tasks.size(), "task"), counted(tasks_by_layer(*r.value).size(), "layer"),
                             counted(r.value->params_schema.size(), "parameter")));
    else
        report_text(graph::format_diagnostics(r));
    out.flush();
    return r.value ? exit_code::success : exit_code::usage;
}

} // namespace

void add_validate_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<validate_arguments>();
    CLI::App* c = app.add_subcommand("validate", "Check a DAG file and tell all that is wrong with it");
    c->add_option("FILE", a->file, "DAG file, YAML or JSON; - is standard input")->required()->type_name("");
    c->add_option("-c,--config", a->config,
                  "Configuration of the server, whose `secrets` the DAG may use; potoo.yaml if there is one")
        ->type_name("FILE")
        ->envname("POTOO_CONFIG");
    c->add_option("--plugin", a->plugins, "Library with operators of your own; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    add_format_option(*c, a->json);
    c->footer("Example:\n  potoo validate nightly.yaml");
    c->callback([a, &chosen] { chosen = [a] { return validate(*a); }; });
}

} // namespace potoo::cli
