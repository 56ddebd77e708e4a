#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

struct tasks_arguments
{
    std::string id;
    std::string state;
    std::string key;
    std::string name;
    std::string owner;
    std::size_t limit = 20;
    target_options target;
    bool active = false;
    bool cancel = false;
    bool force = false;
    bool json = false;
};

std::string progress_of(const json::object& t)
{
    const json::value* v = t.if_contains("progress");
    if (!v || !v->is_object())
        return {};
    const json::value* fraction = v->get_object().if_contains("fraction");
    const std::string message = text_in(v->get_object(), "message");
    if (!fraction || !fraction->is_number())
        return message;
    return fmt::format("{:.0f} %{}{}", 100 * fraction->to_number<double>(), message.empty() ? "" : "  ", message);
}

exit_code list(server_client& server, const tasks_arguments& a)
{
    api_path path({"tasks"});
    path.with("active", a.active ? "true" : "").with("state", a.state).with("key", a.key);
    path.with("name", a.name).with("owner", a.owner);
    path.with("limit", fmt::format("{}", a.limit == 0 ? 1'000 : std::min<std::size_t>(a.limit + 1, 1'000)));
    table t({{"TASK"}, {"OPERATOR"}, {"NAME"}, {"KEY"}, {"STATE"}, {"OWNER"}, {"CREATED (UTC)"}, {"PROGRESS"}});
    json::array documents;
    bool more = false;
    server.each(path, [&](json::object o) {
        more = a.limit > 0 && documents.size() == a.limit;
        if (more)
            return false;
        t.add({text_in(o, "id"), text_in(o, "operator"), text_in(o, "name"), text_in(o, "key"), text_in(o, "state"),
               text_in(o, "owner"), instant_in(o, "created"), progress_of(o)});
        documents.push_back(std::move(o));
        return true;
    });
    if (a.json)
        print_json(documents);
    else
        print_text(table_text(t));
    if (more)
        report_text("There are more: --limit 0 lists all.\n");
    return exit_code::success;
}

exit_code show(server_client& server, const tasks_arguments& a)
{
    const json::value v = server.get(api_path({"tasks", a.id}));
    if (a.json || !v.is_object()) {
        print_json(v);
        return exit_code::success;
    }
    std::string text;
    for (const auto& [name, value] : v.get_object()) {
        const std::string shown = name == "progress"  ? progress_of(v.get_object())
                                  : value.is_string() ? std::string(value.get_string())
                                                      : json::serialize(value);
        text += fmt::format("{:<12} {}\n", std::string_view(name.data(), name.size()), shown);
    }
    print_text(text);
    return exit_code::success;
}

exit_code cancel(server_client& server, const tasks_arguments& a)
{
    json::object wish;
    if (a.force)
        wish["force"] = true;
    const server_answer answer = server.ask("POST", api_path({"tasks", a.id, "cancel"}), std::move(wish));
    const std::string result = answer.body.is_object() ? text_in(answer.body.get_object(), "result") : "";
    if (a.json)
        print_json(answer.body);
    else if (result == "unsubscribed")
        report_text(fmt::format("You have left task {}; it goes on, for others want it.\n", a.id));
    else if (result == "ended")
        report_text(fmt::format("task {} has ended; nothing has changed.\n", a.id));
    else if (result == "repeated")
        report_text(fmt::format("task {} was cancelled before; nothing has changed.\n", a.id));
    else
        report_text(
            fmt::format("task {} is being cancelled. How it goes: {}\n", a.id, server_command(server, "tasks", a.id)));
    return exit_code::success;
}

exit_code tasks(const tasks_arguments& a)
{
    if ((a.cancel || a.force) && a.id.empty())
        throw usage_error("which task? `potoo tasks --active` lists them");
    if (a.force && !a.cancel)
        throw usage_error("--force says how to --cancel");
    const auto server = needed_server(a.target);
    if (a.cancel)
        return cancel(*server, a);
    return a.id.empty() ? list(*server, a) : show(*server, a);
}

} // namespace

void add_tasks_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<tasks_arguments>();
    CLI::App* c = app.add_subcommand("tasks", "List the single tasks of a server, show or cancel one");
    c->add_option("TASK", a->id, "Id of a task: show it, with its output")->type_name("");
    c->add_flag("--active", a->active, "Only tasks that have not ended");
    c->add_option("--in", a->state, "Only tasks in this state: running, failed, …")->type_name("STATE");
    c->add_option("--key", a->key, "Only tasks of this key")->type_name("KEY");
    c->add_option("--name", a->name, "Only tasks of this name")->type_name("TEXT");
    c->add_option("--owner", a->owner, "Only tasks that this one submitted")->type_name("NAME");
    add_length_option(*c, a->limit);
    c->add_flag("--cancel", a->cancel, "You want TASK no longer: once nobody does, it is cancelled");
    c->add_flag("--force", a->force, "With --cancel: whoever else wants it; for admins");
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo tasks --active --server http://127.0.0.1:8080\n"
              "  potoo tasks k3v9z01abcde\n"
              "  potoo tasks k3v9z01abcde --cancel");
    c->callback([a, &chosen] { chosen = [a] { return tasks(*a); }; });
}

} // namespace potoo::cli
