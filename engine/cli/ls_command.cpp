#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_source.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/spelling.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace potoo::cli {

namespace {

/// The latest, to know the names of their DAGs.
constexpr std::size_t runs_looked_at = 1'000;

/// What begins runs, as their origin has it.
constexpr std::array<std::string_view, 7> origins{"cli", "api", "schedule", "trigger", "replay", "task", "embedded"};

struct ls_arguments
{
    target_options target;
    run_wish wish;
    bool dags = false;
    bool json = false;
};

bool any_has(const json::array& runs, std::string (*text_of)(const json::object&))
{
    return std::any_of(runs.begin(), runs.end(), [&](const json::value& r) { return !text_of(r.as_object()).empty(); });
}

/// Where runs come from is told when there is anything to tell.
table table_of(const json::array& runs)
{
    std::vector<table::column> columns{{"RUN"}, {"DAG"}, {"STATE"}, {"CREATED (UTC)"}, {"TOOK", table::align::right}};
    const bool scheduled = any_has(runs, scheduled_text);
    const bool from = any_has(runs, origin_text);
    if (scheduled)
        columns.push_back({"SCHEDULED (UTC)"});
    if (from)
        columns.push_back({"FROM"});
    table t(std::move(columns));
    for (const json::value& v : runs) {
        const json::object& r = v.as_object();
        std::vector<std::string> cells{text_in(r, "run"), text_in(r, "dag"), text_in(r, "state"),
                                       instant_in(r, "created"), took_text(r)};
        if (scheduled)
            cells.push_back(scheduled_text(r));
        if (from)
            cells.push_back(origin_text(r));
        t.add(std::move(cells));
    }
    return t;
}

/// Names of DAGs: those that have runs, and those of the server.
std::vector<std::string> known_dags(run_source& source, const target_options& target)
{
    run_wish latest;
    latest.limit = runs_looked_at;
    std::vector<std::string> out;
    for (const json::value& r : source.runs(latest).runs)
        out.push_back(text_in(r.as_object(), "dag"));
    if (const auto server = server_of(target))
        server->each(api_path({"dags"}), [&](const json::object& d) {
            out.push_back(text_in(d, "name"));
            return true;
        });
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// Empty when there are some.
std::string no_runs_text(run_source& source, const ls_arguments& a)
{
    run_wish any;
    any.dag = a.wish.dag;
    any.limit = 1;
    if (!source.runs(any).runs.empty())
        return {};
    const std::vector<std::string> names = known_dags(source, a.target);
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    const std::string nearest = graph::nearest_spelling(any.dag, candidates);
    return fmt::format("There are no runs of a DAG {}{}\n", any.dag,
                       nearest.empty() || nearest == any.dag ? "." : fmt::format("; did you mean {}?", nearest));
}

exit_code list_runs(const ls_arguments& a)
{
    const auto source = open_source(a.target);
    const run_list list = source->runs(a.wish);
    if (a.json)
        print_json(list.runs);
    else
        print_text(table_text(table_of(list.runs)));
    if (list.more)
        report_text("There are more: --limit 0 lists all.\n");
    if (list.runs.empty() && !a.wish.dag.empty())
        report_text(no_runs_text(*source, a));
    if (!a.json)
        report_text(list.notes);
    return exit_code::success;
}

std::string state_of_dag(const json::object& d)
{
    if (!text_in(d, "problems").empty())
        return text_in(d, "hash").empty() ? "broken" : "broken, its last good version counts";
    const json::value* paused = d.if_contains("paused");
    return paused && paused->is_bool() && paused->get_bool() ? "paused" : text_in(d, "schedule_problem");
}

exit_code list_dags(const ls_arguments& a)
{
    const auto server = needed_server(a.target);
    table t({{"DAG"}, {"FILE"}, {"ACTIVE", table::align::right}, {"SCHEDULE"}, {"NEXT RUN (UTC)"}, {"NOTE"}});
    json::array documents;
    std::size_t broken = 0;
    server->each(api_path({"dags"}), [&](const json::object& d) {
        broken += text_in(d, "problems").empty() ? 0 : 1;
        t.add({text_in(d, "name"), text_in(d, "file"), fmt::format("{}", number_in(d, "active_runs")),
               text_in(d, "schedule"), instant_in(d, "next_run"), state_of_dag(d)});
        documents.push_back(d);
        return true;
    });
    if (a.json)
        print_json(documents);
    else
        print_text(table_text(t));
    if (broken > 0 && !a.json)
        report_text(fmt::format("What is wrong with a broken one: potoo ls --dags -o json{}, at `problems`\n",
                                server->access().options));
    return exit_code::success;
}

/// As CLI11 has it: empty when there is none.
std::string time_problem(const std::string& text)
{
    if (parse_time(text))
        return {};
    return fmt::format("{}: write a time as in 2026-11-21T08:00:00Z", text);
}

/// Likewise.
std::string origin_problem(const std::string& text)
{
    if (std::find(origins.begin(), origins.end(), text) != origins.end())
        return {};
    const std::string nearest = graph::nearest_spelling(text, origins);
    return fmt::format("nothing called {} begins runs; there are {}{}", text, fmt::join(origins, ", "),
                       nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest));
}

} // namespace

void add_ls_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<ls_arguments>();
    CLI::App* c = app.add_subcommand("ls", "List runs, the latest first");
    c->add_option("--dag", a->wish.dag, "Only runs of this DAG")->type_name("NAME");
    c->add_flag("--unfinished", a->wish.unfinished, "Only runs that have not ended");
    c->add_option("--in", a->wish.state, "Only runs in this state: running, failed, …")->type_name("STATE");
    c->add_option("--since", a->wish.since, "Only runs created then or later")->type_name("TIME")->check(time_problem);
    c->add_option("--until", a->wish.until, "Only runs created before")->type_name("TIME")->check(time_problem);
    c->add_option("--by", a->wish.by, "Only runs begun by this: cli, api, schedule, trigger, replay, task")
        ->type_name("WHAT")
        ->check(origin_problem);
    add_length_option(*c, a->wish.limit);
    c->add_flag("--dags", a->dags, "List the DAGs of a server instead");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo ls --dag nightly-align --limit 5\n"
              "  potoo ls --server http://127.0.0.1:8080 --in failed\n"
              "  potoo ls --server http://127.0.0.1:8080 --dags");
    c->callback([a, &chosen] { chosen = [a] { return a->dags ? list_dags(*a) : list_runs(*a); }; });
}

} // namespace potoo::cli
