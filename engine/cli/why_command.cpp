#include "engine/cli/commands.hpp"
#include "engine/cli/display/text_width.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/target_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <optional>

namespace potoo::cli {

namespace {

struct why_arguments
{
    std::string run;
    std::string task;
    std::optional<std::uint32_t> item;
    target_options target;
    bool json = false;
};

exit_code why(const why_arguments& a)
{
    const auto server = needed_server(a.target);
    const std::string id = text_in(find_server_run(*server, a.run), "run");
    api_path path({"runs", id, "tasks", a.task, "why"});
    path.with("item", a.item ? fmt::format("{}", *a.item) : "");
    const json::value v = server->get(path);
    const json::value* reasons = v.is_object() ? v.get_object().if_contains("reasons") : nullptr;
    if (a.json || !reasons || !reasons->is_array()) {
        print_json(v);
        return exit_code::success;
    }
    std::string text =
        fmt::format("{}{}: {}\n", a.task, a.item ? fmt::format("[{}]", *a.item) : "", text_in(v.get_object(), "state"));
    for (const json::value& r : reasons->get_array())
        text += fmt::format("  {}\n", printable(text_in(r.as_object(), "text")));
    print_text(text);
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
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Example:\n  potoo why last align --item 17 --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return why(*a); }; });
}

} // namespace potoo::cli
