#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/file_text.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_params.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

constexpr std::size_t largest_input = 16UL * 1024 * 1024;

struct submit_arguments
{
    std::string operator_name;
    std::string with;
    std::vector<std::string> values;
    std::string key;
    std::string name;
    std::string scope;
    std::string timeout;
    target_options target;
    bool wait = false;
    bool json = false;
};

/// The schemas of the operator's properties, where it says them.
json::object schemas_of(const json::value& operator_document)
{
    if (!operator_document.is_object())
        return {};
    const json::value* schema = operator_document.get_object().if_contains("schema");
    const json::value* properties =
        schema && schema->is_object() ? schema->get_object().if_contains("properties") : nullptr;
    return properties && properties->is_object() ? properties->get_object() : json::object();
}

json::object given_input(const submit_arguments& a)
{
    if (a.with.empty())
        return {};
    const bool is_file = a.with == "-" || a.with.starts_with('@');
    const std::string text = is_file ? read_text(a.with == "-" ? a.with : a.with.substr(1), largest_input) : a.with;
    boost::system::error_code ec;
    json::value v = json::parse(text, ec);
    if (ec || !v.is_object())
        throw usage_error(fmt::format("--with takes a JSON object, as in '{{\"command\": \"date\"}}', @FILE or -; {}",
                                      ec ? "this is no JSON: " + ec.message() : "this is another JSON value"));
    return std::move(v.get_object());
}

json::object input_of(server_client& server, const submit_arguments& a)
{
    json::object input = given_input(a);
    if (a.values.empty())
        return input;
    const json::object schemas = schemas_of(server.get(api_path({"operators", a.operator_name})));
    for (const auto& [name, value] : parse_values(schemas, a.values, "-w"))
        input[name] = value;
    return input;
}

/// What the task has made of it.
exit_code tell_end(server_client& server, const std::string& id, bool as_json)
{
    const json::value v = server.get(api_path({"tasks", id}));
    const json::object task = v.is_object() ? v.get_object() : json::object();
    const std::string state = text_in(task, "state");
    const json::value* output = task.if_contains("output");
    const json::value* error = task.if_contains("error");
    if (as_json)
        print_json(task);
    else if (output && state == "success")
        print_json(*output);
    if (state != "success")
        report_text(fmt::format("task {}: {}{}\n", id, state, error ? ": " + error_text(*error) : ""));
    return exit_code_of_state(state);
}

exit_code wait_for_end(server_client& server, const std::string& id, bool as_json)
{
    const followed_end end = follow_server_run(server, id, [](const json::object&) {});
    if (end.ended)
        return tell_end(server, id, as_json);
    if (end.signal != 0)
        report_text(fmt::format("{}: the task goes on without this command. How it goes: {}\n", signal_name(end.signal),
                                server_command(server, "tasks", id)));
    return exit_code::interrupted;
}

exit_code submit(const submit_arguments& a)
{
    const auto server = needed_server(a.target);
    json::object wish{{"operator", a.operator_name}, {"with", input_of(*server, a)}};
    const auto put = [&](const char* name, const std::string& value) {
        if (!value.empty())
            wish[name] = value;
    };
    put("key", a.key);
    put("name", a.name);
    put("scope", a.scope);
    put("timeout", a.timeout);
    const server_answer answer = server->ask("POST", api_path({"tasks"}), std::move(wish));
    const json::object task = answer.body.is_object() ? answer.body.get_object() : json::object();
    const std::string id = text_in(task, "id");
    if (answer.status == 200)
        report_text(fmt::format("task {} of this key is active: it is the one, and you have joined it\n", id));
    if (a.wait)
        return wait_for_end(*server, id, a.json);
    if (a.json)
        print_json(task);
    else
        print_text(id + '\n');
    report_text(fmt::format("How it goes: {}\n", server_command(*server, "tasks", id)));
    return exit_code::success;
}

} // namespace

void add_submit_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<submit_arguments>();
    CLI::App* c = app.add_subcommand("submit", "Have a server do one task, without a DAG");
    c->add_option("OPERATOR", a->operator_name, "Its name; `potoo operators` lists them")->required()->type_name("");
    c->add_option("--with", a->with, "What the operator takes, as a JSON object; @FILE or - is read")
        ->type_name("JSON");
    c->add_option("-w,--value", a->values, "A single one of these; may be given again")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    c->add_option("--key", a->key, "While a task of this key is active, it is the one")->type_name("KEY");
    c->add_option("--name", a->name, "What people call the task")->type_name("TEXT");
    c->add_option("--scope", a->scope, "Whose key it is: private (yours), shared or system")
        ->type_name("SCOPE")
        ->check(CLI::IsMember({"private", "shared", "system"}));
    c->add_option("--timeout", a->timeout, "Of an attempt, as 30s or 2h")->type_name("TIME");
    c->add_flag("--wait", a->wait, "Wait for its end and print its output; the exit code says how it was");
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Prints the id of the task. With --wait Ctrl-C ends the waiting, not the task.\n"
              "Examples:\n"
              "  potoo submit shell -w command='date -u' --wait --server http://127.0.0.1:8080\n"
              "  potoo submit http_job --with @job.json --key import-2026-11");
    c->callback([a, &chosen] { chosen = [a] { return submit(*a); }; });
}

} // namespace potoo::cli
