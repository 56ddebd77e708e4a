#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/pool_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>

namespace potoo::cli {

namespace {

constexpr std::chrono::seconds time_to_answer{60};

struct pools_arguments
{
    std::string name;
    std::uint32_t slots = 0;
    target_options target;
    bool reset = false;
    bool json = false;
};

std::string holders_of(const json::object& pool)
{
    std::string out;
    const json::value* by = pool.if_contains("by");
    if (!by || !by->is_array())
        return out;
    for (const json::value& v : by->get_array())
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", text_in(v.as_object(), "run"),
                           number_in(v.as_object(), "slots"));
    return out;
}

exit_code print(const json::array& pools, const pools_arguments& a)
{
    if (a.json) {
        print_json(a.name.empty() ? json::value(pools) : pools.at(0));
        return exit_code::success;
    }
    table t({{"POOL"},
             {"SLOTS", table::align::right},
             {"DECLARED", table::align::right},
             {"USED", table::align::right},
             {"WAITING", table::align::right},
             {"BY (RUN, SLOTS)"}});
    for (const json::value& v : pools) {
        const json::object& p = v.as_object();
        const auto declared = number_in(p, "declared");
        t.add({text_in(p, "name"), fmt::format("{}", number_in(p, "slots")),
               declared > 0 ? fmt::format("{}", declared) : "", fmt::format("{}", number_in(p, "used")),
               fmt::format("{}", number_in(p, "waiting")), holders_of(p)});
    }
    print_text(table_text(t));
    return exit_code::success;
}

/// What the next engine finds. @return whether it has changed
bool note(journal::store& journal, const pools_arguments& a)
{
    using journal::entry_verb;
    journal::batch b;
    if (a.reset)
        b.changes.push_back({entry_verb::erase, host::pool_entries, a.name});
    else
        b.changes.push_back(
            {entry_verb::put, host::pool_entries, a.name, json::serialize(json::object{{"slots", a.slots}})});
    return journal.append(b).changes.at(0);
}

usage_error not_resized(const std::string& name)
{
    return usage_error(fmt::format("nobody has resized a pool {}: it has the slots that the DAGs declare", name));
}

/// @param pool as the API has it, as far as it is known
exit_code tell_reset(const json::object& pool, bool as_json)
{
    const auto declared = number_in(pool, "declared");
    if (as_json)
        print_json(pool);
    else
        report_text(fmt::format("pool {} has the slots again that the DAGs declare{}.\n", text_in(pool, "name"),
                                declared > 0 ? fmt::format(": {}", declared) : ""));
    return exit_code::success;
}

/// Of the engine that is at work there, or by a note for the next one.
exit_code change_in(const std::string& state, const pools_arguments& a)
{
    if (a.reset)
        static_cast<void>(open_journal(state));
    const json::object request = a.reset ? host::pool_reset_request(a.name) : host::pool_request(a.name, a.slots);
    const state_access access(state, request, time_to_answer);
    if (access.answer())
        check_request(host::result_of_answer(*access.answer()));
    else if (!note(access.journal(), a))
        throw not_resized(a.name);
    if (a.reset)
        return tell_reset({{"name", a.name}, {"resized", false}}, a.json);
    if (a.json)
        print_json(json::object{{"name", a.name}, {"slots", a.slots}});
    else
        report_text(fmt::format("pool {} has {} slots from now on.\n", a.name, a.slots));
    return exit_code::success;
}

json::array pools_at(server_client& server)
{
    json::array out;
    server.each(api_path({"pools"}), [&](json::object p) {
        out.push_back(std::move(p));
        return true;
    });
    return out;
}

/// Of the engine that is at work there; when none is, those that were resized.
json::array pools_in(const std::string& state)
{
    const auto journal = open_journal(state);
    if (const auto answer = answer_of_engine(state, host::pools_request(), time_to_answer))
        return host::pools_of_answer(*answer);
    return host::pools_json(host::resized_pools(*journal));
}

/// @param name empty = all of them
json::array meant(const json::array& pools, const std::string& name)
{
    json::array out;
    for (const json::value& p : pools) {
        if (name.empty() || text_in(p.as_object(), "name") == name)
            out.push_back(p);
    }
    return out;
}

exit_code pools(const pools_arguments& a)
{
    if (a.slots > 0 && a.name.empty())
        throw usage_error("which pool shall have the slots? potoo pools NAME --slots N");
    if (a.reset && a.name.empty())
        throw usage_error("which pool shall be reset? potoo pools NAME --reset");
    const auto server = server_of(a.target);
    if (!server && (a.slots > 0 || a.reset))
        return change_in(state_of(a.target), a);
    if (a.slots > 0) {
        const json::object wish{{"slots", a.slots}};
        return print({server->ask("PUT", api_path({"pools", a.name}), wish).body}, a);
    }
    if (a.reset) {
        const json::value pool = server->ask("DELETE", api_path({"pools", a.name})).body;
        return tell_reset(pool.as_object(), a.json);
    }
    const json::array found = meant(server ? pools_at(*server) : pools_in(state_of(a.target)), a.name);
    if (found.empty() && !a.name.empty())
        throw usage_error(fmt::format("no run under way names a pool {}, and nobody has given it slots", a.name));
    return print(found, a);
}

} // namespace

void add_pools_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<pools_arguments>();
    CLI::App* c = app.add_subcommand("pools", "Show the pools and who holds them, or give a pool more or fewer slots");
    c->add_option("NAME", a->name, "Only this pool")->type_name("");
    c->add_option("--slots", a->slots, "Give it so many slots, at once, whatever the DAGs say")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    c->add_flag("--reset", a->reset, "Give it the slots again that the DAGs declare")->excludes("--slots");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Pools are of the runs under way, or resized; while no engine is at work, only the latter are known.\n"
              "Examples:\n"
              "  potoo pools\n"
              "  potoo pools --server http://127.0.0.1:8080\n"
              "  potoo pools gpu --slots 8\n"
              "  potoo pools gpu --reset");
    c->callback([a, &chosen] { chosen = [a] { return pools(*a); }; });
}

} // namespace potoo::cli
