#include "engine/cli/commands.hpp"
#include "engine/cli/display/text_width.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/why_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace potoo::cli {

namespace {

constexpr std::chrono::seconds time_to_answer{60};

struct why_arguments
{
    std::string run;
    std::string task;
    std::optional<std::uint32_t> item;
    target_options target;
    bool json = false;
};

std::string reason_text(const json::object& reason)
{
    std::string out = text_in(reason, "text");
    const json::value* error = object_in(reason, "details").if_contains("error");
    if (error && !error->is_null())
        out += ": " + error_text(*error);
    return printable(out);
}

std::string items_text(const json::array& groups)
{
    if (groups.empty())
        return {};
    table t({{"ITEMS", table::align::right}, {"STATE"}, {"FIRST", table::align::right}, {"WHY"}});
    for (const json::value& v : groups) {
        const json::object& g = v.as_object();
        const bool good = text_in(g, "state") == "success";
        t.add({fmt::format("{}", number_in(g, "count")), text_in(g, "state"),
               fmt::format("{}", number_in(g, "example")), good ? "" : reason_text(object_in(g, "reason"))});
    }
    return '\n' + table_text(t);
}

json::value why_at(server_client& server, const why_arguments& a)
{
    const std::string id = text_in(find_server_run(server, a.run), "run");
    api_path path({"runs", id, "tasks", a.task, "why"});
    path.with("item", a.item ? fmt::format("{}", *a.item) : "");
    return server.get(path);
}

/// Of the engine that is at work there; when none is, what the journal knows.
json::value why_in(const std::string& state, const why_arguments& a)
{
    const auto journal = open_journal(state);
    const journal::run_row run = find_run(*journal, a.run, state);
    const task_index task = find_task(journal->dag_of(run.number), a.task);
    const auto item = a.item ? std::optional(item_index(*a.item)) : std::nullopt;
    const std::string wrong = item ? host::item_problem(journal->tasks(run.number).at(task.value()), *item) : "";
    if (!wrong.empty())
        throw usage_error(fmt::format("{} They are listed by: {}", wrong,
                                      next_command("status", run.id.value() + ' ' + shell_word(a.task), state)));
    std::optional<json::object> said;
    if (!run.ended) {
        if (const auto answer = answer_of_engine(state, host::why_request(run.id, a.task, item), time_to_answer))
            said = host::why_of_answer(*answer);
    }
    return host::why_json(*journal, run, task, item, std::move(said));
}

exit_code why(const why_arguments& a)
{
    const auto server = server_of(a.target);
    const json::value v = server ? why_at(*server, a) : why_in(state_of(a.target), a);
    if (a.json || !v.is_object()) {
        print_json(v);
        return exit_code::success;
    }
    const json::object& document = v.get_object();
    std::string text =
        fmt::format("{}{}: {}\n", a.task, a.item ? fmt::format("[{}]", *a.item) : "", text_in(document, "state"));
    for (const json::value& r : list_in(document, "reasons"))
        text += fmt::format("  {}\n", reason_text(r.as_object()));
    print_text(text + items_text(list_in(document, "items")));
    return exit_code::success;
}

} // namespace

void add_why_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<why_arguments>();
    CLI::App* c = app.add_subcommand("why", "Say why a task of a run does not run, or why it does");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`: the latest")
        ->required()
        ->type_name("");
    c->add_option("TASK", a->task, "Name of the task")->required()->type_name("");
    c->add_option("--item", a->item, "Only this item, by its position from 0")->type_name("N");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer(
        "Of a task with several items it is also said how many of them are in which state, and why the first of each.\n"
        "While no engine carries the run, what the journal knows.\n"
        "Examples:\n"
        "  potoo why last align\n"
        "  potoo why last align --item 17 --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return why(*a); }; });
}

} // namespace potoo::cli
