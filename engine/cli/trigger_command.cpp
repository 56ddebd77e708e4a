#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_following.hpp"
#include "engine/cli/run_params.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

struct trigger_arguments
{
    std::string dag;
    std::vector<std::string> params;
    std::string params_file;
    std::string name;
    std::string id;
    target_options target;
    bool wait = false;
    bool json = false;
};

json::object params_of(server_client& server, const trigger_arguments& a)
{
    if (a.params.empty() && a.params_file.empty())
        return {};
    const json::value dag = server.get(api_path({"dags", a.dag}));
    const json::value* schemas = dag.is_object() ? dag.get_object().if_contains("params") : nullptr;
    return given_params(schemas && schemas->is_object() ? schemas->get_object() : json::object(), a.params,
                        a.params_file);
}

/// @param since where the events stood before a new run; empty = it is not new
exit_code wait_for(const trigger_arguments& a, std::unique_ptr<server_client> server, json::object run,
                   const std::string& since)
{
    // However short it was, what has happened is told.
    if (!since.empty())
        run.erase("ended");
    const auto source = open_server_runs(std::move(server), since);
    const auto tell_end = [&](const json::object& ended) {
        const std::string state = text_in(ended, "state");
        const std::string id = text_in(run, "run");
        report_text(fmt::format("run {} of {}: {}\n", id, text_in(run, "dag"), state));
        if (state != "success")
            report_text(fmt::format("More: {}\n", source->command("status", id)));
    };
    return follow_run(*source, run, a.json, [] {}, tell_end);
}

exit_code trigger(const trigger_arguments& a)
{
    auto server = needed_server(a.target);
    json::object wish{{"params", params_of(*server, a)}};
    if (!a.name.empty())
        wish["name"] = a.name;
    if (!a.id.empty())
        wish["id"] = a.id;
    // So that nothing of what follows is missed.
    const std::string since = a.wait ? event_cursor(*server) : "";
    const server_answer answer = server->ask("POST", api_path({"dags", a.dag, "runs"}), std::move(wish));
    const bool is_new = answer.status == 201;
    const json::object run = answer.body.is_object() ? answer.body.get_object() : json::object();
    const std::string id = text_in(run, "run");
    report_text(
        fmt::format("run {} of {} {}\n", id, a.dag, is_new ? "has begun" : "was begun before, by the same --id"));
    if (a.wait)
        return wait_for(a, std::move(server), run, is_new ? since : "");
    if (a.json)
        print_json(run);
    else
        print_text(id + '\n');
    report_text(fmt::format("How it goes: {}\n", server_command(*server, "status -w", id)));
    return exit_code::success;
}

} // namespace

void add_trigger_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<trigger_arguments>();
    CLI::App* c = app.add_subcommand("trigger", "Begin a run of a DAG that a server has");
    c->add_option("DAG", a->dag, "Its name; `potoo ls --dags` lists them")->required()->type_name("");
    c->add_option("-p,--param", a->params, "A parameter; may be given again")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    c->add_option("--params-file", a->params_file, "Parameters as a YAML or JSON map; -p counts before it")
        ->type_name("FILE");
    c->add_option("--name", a->name, "What people call the run")->type_name("TEXT");
    c->add_option("--id", a->id, "Of this request: given again, it names the run that was begun then")
        ->type_name("KEY");
    c->add_flag("-w,--wait", a->wait, "Tell what happens until the run has ended; the exit code says how it was");
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Prints the id of the run, also of one that was begun before. With -w Ctrl-C ends the waiting, not the\n"
              "run.\n"
              "Examples:\n"
              "  potoo trigger nightly -p cohort=blue --server http://127.0.0.1:8080\n"
              "  POTOO_SERVER=http://127.0.0.1:8080 potoo trigger nightly -w\n"
              "  potoo trigger nightly --id order-4711");
    c->callback([a, &chosen] { chosen = [a] { return trigger(*a); }; });
}

} // namespace potoo::cli
