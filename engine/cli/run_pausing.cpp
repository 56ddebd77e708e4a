#include "engine/cli/run_pausing.hpp"

#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/request_outcome.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/server_runs.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"

#include <fmt/format.h>

#include <functional>

namespace potoo::cli {

namespace {

exit_code set_dag_paused(server_client& server, const pause_wish& wish)
{
    const json::value dag = server.ask("POST", api_path({"dags", wish.dag, wish.paused ? "pause" : "resume"})).body;
    if (wish.json)
        print_json(dag);
    else if (wish.paused)
        report_text(fmt::format("{} begins no runs by itself any more; runs under way go on. Back: {}\n", wish.dag,
                                server_command(server, "resume --dag", wish.dag)));
    else
        report_text(fmt::format("{} begins runs again, by its schedule and its trigger.\n", wish.dag));
    return exit_code::success;
}

/// @param command `potoo VERB RUN`
exit_code tell(const std::string& id, const host::request_result& r, const pause_wish& wish,
               const std::function<std::string(std::string_view verb)>& command)
{
    const bool repeated = r.what == host::request_result::kind::repeated;
    if (wish.json)
        print_json(json::object{{"run", id}, {"result", repeated ? "repeated" : "accepted"}, {"carried", r.carried}});
    else if (repeated)
        report_text(
            fmt::format("run {} {}; nothing has changed.\n", id, wish.paused ? "was paused before" : "is not paused"));
    else if (wish.paused)
        report_text(
            fmt::format("run {} starts no more attempts; those under way go on. Back: {}\n", id, command("resume")));
    else if (r.carried)
        report_text(fmt::format("run {} goes on.\n", id));
    return exit_code::success;
}

} // namespace

exit_code set_paused_in(const std::string& state, const pause_wish& wish)
{
    if (!wish.dag.empty())
        throw usage_error("--dag is about a server: say which, with --server URL or POTOO_SERVER");
    if (wish.run.empty())
        throw usage_error("which run? `potoo ls --unfinished` lists them");
    const journal::run_row run = find_run(*open_journal(state), wish.run, state, latest_run::unfinished);
    const json::object request = host::pause_request(run.id, wish.paused);
    const host::request_result r =
        ask_of_run(state, run.id, request, [&](journal::reader& journal, const journal::run_row& row, wall_time now) {
            return host::request_pause(journal, row, wish.paused, now);
        });
    check_request(r);
    const std::string& id = run.id.value();
    return tell(id, r, wish, [&](std::string_view verb) { return next_command(verb, id, state); });
}

exit_code set_paused_at(server_client& server, const pause_wish& wish)
{
    if (wish.run.empty() == wish.dag.empty())
        throw usage_error("give a RUN, or --dag NAME");
    if (!wish.dag.empty())
        return set_dag_paused(server, wish);
    const json::object run = find_server_run(server, wish.run, true);
    const std::string id = text_in(run, "run");
    const host::request_result r = ask_about_run(server, id, wish.paused ? "pause" : "resume", {});
    return tell(id, r, wish, [&](std::string_view verb) { return server_command(server, verb, id); });
}

} // namespace potoo::cli
