#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

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
        t.add({text_in(p, "name"), fmt::format("{}", number_in(p, "slots")),
               fmt::format("{}", number_in(p, "declared")), fmt::format("{}", number_in(p, "used")),
               fmt::format("{}", number_in(p, "waiting")), holders_of(p)});
    }
    print_text(table_text(t));
    return exit_code::success;
}

exit_code pools(const pools_arguments& a)
{
    if (a.slots > 0 && a.name.empty())
        throw usage_error("which pool shall have the slots? potoo pools NAME --slots N");
    const auto server = needed_server(a.target);
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
    CLI::App* c = app.add_subcommand("pools", "Show the pools of a server, or give one more or fewer slots");
    c->add_option("NAME", a->name, "Only this pool")->type_name("");
    c->add_option("--slots", a->slots, "Give it so many slots, at once, whatever the DAGs say")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    add_server_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo pools --server http://127.0.0.1:8080\n"
              "  potoo pools gpu --slots 8");
    c->callback([a, &chosen] { chosen = [a] { return pools(*a); }; });
}

} // namespace potoo::cli
