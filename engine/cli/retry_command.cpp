#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/request_outcome.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_retry.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

struct retry_arguments
{
    std::string run;
    host::retry_wish wish;
    target_options target;
    bool json = false;
};

exit_code retry_at(server_client& server, const retry_arguments& a)
{
    const std::string id = text_in(find_server_run(server, a.run), "run");
    json::object wish{{"downstream", a.wish.downstream}, {"failed_only", a.wish.failed_only}};
    if (!a.wish.tasks.empty())
        wish["tasks"] = json::value_from(a.wish.tasks);
    const host::request_result r = ask_about_run(server, id, "retry", wish);
    const bool repeated = r.what == host::request_result::kind::repeated;
    if (a.json)
        print_json(json::object{{"run", id}, {"result", repeated ? "repeated" : "accepted"}});
    else if (repeated)
        report_text(fmt::format("run {}: {}; nothing has changed.\n", id, repeated_text(r)));
    else
        report_text(fmt::format("run {} goes on. How it goes: {}\n", id, server_command(server, "status -w", id)));
    return exit_code::success;
}

exit_code retry(const retry_arguments& a)
{
    if (a.wish.tasks.empty() && (a.wish.downstream || a.wish.failed_only))
        throw usage_error(
            fmt::format("{} is about tasks: name them with --task", a.wish.downstream ? "--downstream" : "--failed"));
    if (const auto server = server_of(a.target))
        return retry_at(*server, a);
    return retry_in(state_of(a.target), a.run, a.wish, a.json);
}

} // namespace

void add_retry_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<retry_arguments>();
    CLI::App* c = app.add_subcommand("retry", "Let tasks of a run that have ended run once more");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`: the latest")
        ->required()
        ->type_name("");
    c->add_option("--task", a->wish.tasks, "This task; may be given again. Without it, all that did not end well")
        ->type_name("NAME")
        ->allow_extra_args(false);
    c->add_flag("--downstream", a->wish.downstream, "And everything behind these tasks, however it ended");
    c->add_flag("--failed", a->wish.failed_only, "Of these tasks only the items that did not end well");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("A run that has ended goes on. Attempts are numbered on, and nothing is launched twice.\n"
              "Examples:\n"
              "  potoo retry k3v9\n"
              "  potoo retry k3v9 --task align --downstream --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return retry(*a); }; });
}

} // namespace potoo::cli
