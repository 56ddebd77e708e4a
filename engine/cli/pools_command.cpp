#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"

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

/// Of the engine that is at work there, or by a note for the next one.
exit_code resize_in(const std::string& state, const pools_arguments& a)
{
    const state_access access(state, host::pool_request(a.name, a.slots), time_to_answer);
    if (access.answer()) {
        check_request(host::result_of_answer(*access.answer()));
    } else {
        journal::batch b;
        b.changes.push_back(
            {journal::entry_verb::put, "pool", a.name, json::serialize(json::object{{"slots", a.slots}})});
        access.journal().append(b);
    }
    if (a.json)
        print_json(json::object{{"name", a.name}, {"slots", a.slots}});
    else
        report_text(fmt::format("pool {} has {} slots from now on.\n", a.name, a.slots));
    return exit_code::success;
}

exit_code pools(const pools_arguments& a)
{
    if (a.slots > 0 && a.name.empty())
        throw usage_error("which pool shall have the slots? potoo pools NAME --slots N");
    const auto server = server_of(a.target);
    if (!server && a.slots > 0)
        return resize_in(state_of(a.target), a);
    if (!server)
        throw usage_error("who holds which slots, a server tells: say which, with --server URL or POTOO_SERVER");
    if (a.slots > 0) {
        const json::object wish{{"slots", a.slots}};
        return print({server->ask("PUT", api_path({"pools", a.name}), wish).body}, a);
    }
    json::array found;
    server->each(api_path({"pools"}), [&](json::object p) {
        if (a.name.empty() || text_in(p, "name") == a.name)
            found.push_back(std::move(p));
        return true;
    });
    if (found.empty() && !a.name.empty())
        throw usage_error(fmt::format("no run under way names a pool {}, and nobody has given it slots", a.name));
    return print(found, a);
}

} // namespace

void add_pools_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<pools_arguments>();
    CLI::App* c = app.add_subcommand("pools", "Show the pools of a server, or give a pool more or fewer slots");
    c->add_option("NAME", a->name, "Only this pool")->type_name("");
    c->add_option("--slots", a->slots, "Give it so many slots, at once, whatever the DAGs say")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo pools --server http://127.0.0.1:8080\n"
              "  potoo pools gpu --slots 8");
    c->callback([a, &chosen] { chosen = [a] { return pools(*a); }; });
}

} // namespace potoo::cli
