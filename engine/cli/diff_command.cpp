#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_continuation.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/host/run_difference.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

struct diff_arguments
{
    std::string before;
    std::string after;
    target_options target;
    bool json = false;
};

std::string value_text(const json::object& change, const char* name)
{
    const json::value* v = change.if_contains(name);
    if (!v || v->is_null())
        return "-";
    return v->is_string() ? std::string(v->get_string()) : json::serialize(*v);
}

void add_changes(table& t, const std::string& where, const json::value* changes)
{
    if (!changes || !changes->is_object())
        return;
    for (const auto& [name, change] : changes->get_object()) {
        if (!change.is_object())
            continue;
        const json::object& c = change.get_object();
        t.add({where, std::string(name), value_text(c, "before"), value_text(c, "after")});
        if (const json::value* more = c.if_contains("more"))
            t.add({where, fmt::format("{} of {} more items", std::string_view(name), json::serialize(*more)),
                   "(differs)", "(differs)"});
    }
}

table table_of(const json::object& difference)
{
    table t({{"WHERE"}, {"WHAT"}, {"BEFORE"}, {"AFTER"}});
    for (const char* part : {"dag", "params", "run"})
        add_changes(t, part, difference.if_contains(part));
    const json::value* tasks = difference.if_contains("tasks");
    if (tasks && tasks->is_object())
        for (const auto& [name, changes] : tasks->get_object())
            add_changes(t, "task " + std::string(name), &changes);
    return t;
}

json::value ask_server(server_client& server, const diff_arguments& a)
{
    const std::string before = text_in(find_server_run(server, a.before), "run");
    const std::string after = text_in(find_server_run(server, a.after), "run");
    return server.get(api_path({"runs", before, "diff", after}));
}

json::value compare_in(const std::string& state, const diff_arguments& a)
{
    const auto journal = open_journal(state);
    const journal::run_row before = find_run(*journal, a.before, state);
    const journal::run_row after = find_run(*journal, a.after, state);
    for (const journal::run_row* run : {&before, &after})
        load_plugins_of(*journal, *run, {});
    return host::run_difference(*journal, before, after);
}

exit_code diff(const diff_arguments& a)
{
    const auto server = server_of(a.target);
    const json::value v = server ? ask_server(*server, a) : compare_in(state_of(a.target), a);
    if (a.json || !v.is_object()) {
        print_json(v);
        return exit_code::success;
    }
    const table t = table_of(v.get_object());
    if (t.empty())
        report_text(fmt::format("The runs {} and {} do not differ.\n", text_in(v.get_object(), "before"),
                                text_in(v.get_object(), "after")));
    else
        print_text(table_text(t));
    return exit_code::success;
}

} // namespace

void add_diff_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<diff_arguments>();
    CLI::App* c = app.add_subcommand("diff", "Show what changed from one run to another");
    c->add_option("BEFORE", a->before, "Id of a run, or its first characters")->required()->type_name("");
    c->add_option("AFTER", a->after, "Of another; `last`: the latest")->required()->type_name("");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Compares the DAG, the parameters, and of each task its input, its outcome and its time.\n"
              "Example:\n  potoo diff k3v9 last");
    c->callback([a, &chosen] { chosen = [a] { return diff(*a); }; });
}

} // namespace potoo::cli
