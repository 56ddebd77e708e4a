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
#include <cctype>

namespace potoo::cli {

namespace {

struct replay_arguments
{
    std::string dag;
    std::string from;
    std::string to;
    std::uint32_t parallel = 1;
    std::string id;
    std::string cancel;
    target_options target;
    bool list = false;
    bool dry_run = false;
    bool json = false;
};

/// A day is its beginning, in UTC.
std::string full_time(const std::string& text)
{
    return text.find('T') == std::string::npos ? text + "T00:00:00Z" : text;
}

/// As CLI11 has it: empty when there is none.
std::string time_problem(const std::string& text)
{
    if (parse_time(full_time(text)))
        return {};
    return fmt::format("{}: write a day (2026-11-01, its beginning in UTC) or a time (2026-11-01T08:00:00Z)", text);
}

/// What the API takes. Likewise.
std::string id_problem(const std::string& text)
{
    constexpr std::size_t longest = 64;
    const auto is_plain = [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; };
    const bool fits = !text.empty() && text.size() <= longest && is_plain(static_cast<unsigned char>(text[0])) &&
                      std::all_of(text.begin(), text.end(), [&](char c) {
                          return is_plain(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
                      });
    if (fits)
        return {};
    return fmt::format("{}: write up to {} letters, digits, `.`, `_` and `-`, the first a letter or digit", text,
                       longest);
}

/// Somebody has begun it before.
bool is_there(server_client& server, const std::string& id)
{
    bool found = false;
    server.each(api_path({"replays"}), [&](const json::object& r) {
        found = text_in(r, "id") == id;
        return !found;
    });
    return found;
}

std::string range_text(const json::object& r)
{
    return fmt::format("{} … {}", instant_in(r, "from"), instant_in(r, "to"));
}

exit_code list(server_client& server, bool as_json)
{
    table t({{"REPLAY"},
             {"DAG"},
             {"STATE"},
             {"RANGE (UTC)"},
             {"RUNS", table::align::right},
             {"ACTIVE", table::align::right},
             {"GOOD", table::align::right},
             {"BAD", table::align::right},
             {"NOTE"}});
    json::array documents;
    server.each(api_path({"replays"}), [&](json::object r) {
        t.add({text_in(r, "id"), text_in(r, "dag"), text_in(r, "state"), range_text(r),
               fmt::format("{}", number_in(r, "runs")), fmt::format("{}", number_in(r, "active")),
               fmt::format("{}", number_in(r, "succeeded")), fmt::format("{}", number_in(r, "failed")),
               text_in(r, "problem")});
        documents.push_back(std::move(r));
        return true;
    });
    if (as_json)
        print_json(documents);
    else
        print_text(table_text(t));
    return exit_code::success;
}

std::string state_of_replay(const json::value& v)
{
    return v.is_object() ? text_in(v.get_object(), "state") : "";
}

exit_code cancel(server_client& server, const replay_arguments& a)
{
    const std::string before = state_of_replay(server.get(api_path({"replays", a.cancel})));
    const json::value v = server.ask("POST", api_path({"replays", a.cancel, "cancel"})).body;
    const std::string state = state_of_replay(v);
    if (a.json)
        print_json(v);
    else if (before == state || state != "cancelled")
        report_text(fmt::format("replay {} is over ({}); nothing changed.\n", a.cancel, state));
    else
        report_text(fmt::format("replay {}: no more runs of it begin, and those under way are cancelled.\n", a.cancel));
    return exit_code::success;
}

void show_plan(const json::object& plan, bool as_json)
{
    if (as_json)
        return print_json(plan);
    std::string text;
    const json::value* times = plan.if_contains("times");
    std::size_t shown = 0;
    if (times && times->is_array())
        for (const json::value& t : times->get_array()) {
            text += std::string(t.as_string()) + '\n';
            ++shown;
        }
    print_text(text);
    const auto runs = number_in(plan, "runs");
    report_text(fmt::format("{} {} would begin; nothing was done.{}\n", runs, runs == 1 ? "run" : "runs",
                            runs > shown ? fmt::format(" The first {} are listed.", shown) : ""));
}

exit_code replay(const replay_arguments& a)
{
    if (a.list + !a.cancel.empty() + !a.dag.empty() != 1)
        throw usage_error("give a DAG with --from and --to, or --list, or --cancel REPLAY");
    if (a.dag.empty() && !a.id.empty())
        throw usage_error("--id is for a new replay: give its DAG too; --cancel takes the id of one that is there");
    if (!a.dag.empty() && (a.from.empty() || a.to.empty()))
        throw usage_error("for which times? --from TIME and --to TIME say it, both included");
    const auto server = needed_server(a.target);
    if (a.list)
        return list(*server, a.json);
    if (!a.cancel.empty())
        return cancel(*server, a);
    json::object wish{{"dag", a.dag},
                      {"from", full_time(a.from)},
                      {"to", full_time(a.to)},
                      {"parallel", a.parallel},
                      {"dry_run", a.dry_run}};
    if (!a.id.empty())
        wish["id"] = a.id;
    const bool again = !a.id.empty() && !a.dry_run && is_there(*server, a.id);
    const json::value v = server->ask("POST", api_path({"replays"}), wish).body;
    const json::object made = v.is_object() ? v.get_object() : json::object();
    if (a.dry_run) {
        show_plan(made, a.json);
        return exit_code::success;
    }
    if (a.json)
        print_json(made);
    else
        print_text(text_in(made, "id") + '\n');
    const auto runs = number_in(made, "runs");
    report_text(fmt::format("replay {} of {}{}: {} {}, {} at once. How it goes: {}\n", text_in(made, "id"), a.dag,
                            again ? " was begun before, by the same --id" : "", runs, runs == 1 ? "run" : "runs",
                            a.parallel, server_command(*server, "replay --list", {})));
    return exit_code::success;
}

} // namespace

void add_replay_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<replay_arguments>();
    CLI::App* c = app.add_subcommand("replay", "Run a DAG of a server for the times of its schedule within a range");
    c->add_option("DAG", a->dag, "Its name")->type_name("");
    c->add_option("--from", a->from, "The first day or time, itself included")->type_name("TIME")->check(time_problem);
    c->add_option("--to", a->to, "The last, itself included; of a bare day that is 00:00 UTC, not its end")
        ->type_name("TIME")
        ->check(time_problem);
    c->add_option("--parallel", a->parallel, "So many runs at once")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    c->add_option("--id", a->id, "Of the replay: given again, it names the one that was begun then")
        ->type_name("ID")
        ->check(id_problem);
    c->add_flag("--dry-run", a->dry_run, "Print the times, and begin nothing");
    c->add_flag("--list", a->list, "List the replays instead");
    c->add_option("--cancel", a->cancel, "Begin no more runs of this replay, and cancel those under way")
        ->type_name("REPLAY");
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Replays have a limit of their own, and take no place of scheduled runs.\n"
              "Examples:\n"
              "  potoo replay nightly --from 2026-11-01 --to 2026-11-07 --dry-run --server http://127.0.0.1:8080\n"
              "  potoo replay nightly --from 2026-11-01 --to 2026-11-07 --parallel 2 --id november-1\n"
              "  potoo replay --list");
    c->callback([a, &chosen] { chosen = [a] { return replay(*a); }; });
}

} // namespace potoo::cli
