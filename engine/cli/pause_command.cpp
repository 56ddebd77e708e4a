#include "engine/cli/commands.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_pausing.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>

namespace potoo::cli {

namespace {

struct pause_arguments
{
    pause_wish wish;
    target_options target;
};

exit_code pause(const pause_arguments& a)
{
    if (const auto server = server_of(a.target))
        return set_paused_at(*server, a.wish);
    return set_paused_in(state_of(a.target), a.wish);
}

} // namespace

void add_pause_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<pause_arguments>();
    CLI::App* c = app.add_subcommand("pause", "Hold a run back, or a DAG of a server");
    c->add_option("RUN", a->wish.run, "Id of the run, or its first characters; `last`: the latest that has not ended")
        ->type_name("");
    c->add_option("--dag", a->wish.dag, "Let this DAG begin no runs by itself")->type_name("NAME");
    add_target_options(*c, a->target);
    add_format_option(*c, a->wish.json);
    c->footer(
        "A run that is paused starts no attempts; those under way go on, and so does its deadline. `potoo resume`\n"
        "lets it go on.\n"
        "Examples:\n"
        "  potoo pause k3v9\n"
        "  potoo pause --dag nightly --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return pause(*a); }; });
}

} // namespace potoo::cli
