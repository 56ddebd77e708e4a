#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_continuation.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_pausing.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/cli/target_options.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/journal/state_dir.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

struct resume_arguments
{
    std::string run;
    std::string dag;
    session_options session;
    target_options target;
    std::string state;
    const CLI::App* command = nullptr;
};

std::vector<journal::run_row> all_left(journal::reader& journal, bool ended)
{
    journal::run_filter filter;
    filter.unfinished = !ended;
    filter.unreconciled = ended;
    return journal.runs(filter);
}

std::vector<journal::run_row> choose_runs(journal::reader& journal, const resume_arguments& a)
{
    if (!a.run.empty()) {
        journal::run_row run = find_run(journal, a.run, a.state, latest_run::unfinished);
        // One that has ended may have left remote jobs behind.
        if (run.ended && journal.unconfirmed(run.number).empty())
            throw usage_error(
                fmt::format("run {} has ended ({}): there is nothing to resume", run.id.value(), to_string(run.state)));
        return {std::move(run)};
    }
    auto runs = all_left(journal, false);
    for (journal::run_row& r : all_left(journal, true))
        runs.push_back(std::move(r));
    return runs;
}

exit_code nothing_to_resume(const std::string& state)
{
    report_text(fmt::format("Nothing to resume: no run in {} is unfinished.\n", state));
    return exit_code::success;
}

/// A server has its own plugins and limits, and tells by `status -w`.
void check_options_for_server(const CLI::App& command)
{
    for (const char* name : {"--json", "--plugin", "--on-stop", "--max-attempts", "--max-running", "--max-memory"})
        if (command.count(name) > 0)
            throw usage_error(fmt::format("{} is for an engine of this program; a server has its own", name));
}

exit_code resume_at(server_client& server, const resume_arguments& a)
{
    check_options_for_server(*a.command);
    if (a.run.empty() && a.dag.empty())
        throw usage_error("which run shall go on? A server carries what it has; give a RUN that is paused, or --dag "
                          "NAME");
    return set_paused_at(server, {a.run, a.dag, false, false});
}

/// Takes back that they were paused. Those that an engine carries go on there, and are not wanted any more.
void let_go_on(std::vector<journal::run_row>& runs, const resume_arguments& a)
{
    std::erase_if(runs, [&](const journal::run_row& run) {
        if (run.state != journal::recorded_state::paused)
            return false;
        const auto r = ask_of_run(a.state, run.id, host::pause_request(run.id, false),
                                  [](journal::reader& journal, const journal::run_row& row, wall_time now) {
                                      return host::request_pause(journal, row, false, now);
                                  });
        check_request(r);
        if (r.carried)
            report_text(fmt::format("run {} of {} goes on.\n", run.id.value(), run.dag_name));
        return r.carried;
    });
}

exit_code resume(resume_arguments a)
{
    if (const auto server = server_of(a.target))
        return resume_at(*server, a);
    if (!a.dag.empty())
        throw usage_error("--dag is about a server: say which, with --server URL or POTOO_SERVER");
    a.state = state_of(a.target);
    const journal::state_layout layout(a.state);
    // In a folder where nothing ran yet there is nothing to resume; a directory that was named must be there.
    const bool named = a.state != ".potoo";
    std::error_code ec;
    const auto is_missing = [&ec](const std::filesystem::path& file) {
        return std::filesystem::status(file, ec).type() == std::filesystem::file_type::not_found;
    };
    if (!named && a.run.empty() && is_missing(layout.database()) && is_missing(layout.directory() / "lock"))
        return nothing_to_resume(a.state);
    std::vector<journal::run_row> wanted = choose_runs(*open_journal(a.state), a);
    if (wanted.empty())
        return nothing_to_resume(a.state);
    let_go_on(wanted, a);
    if (wanted.empty())
        return exit_code::success;
    a.session.state = a.state;
    run_session session(a.session);
    // Another engine may have ended some of them since.
    std::vector<journal::run_row> left = session.unfinished();
    for (journal::run_row& r : session.unreconciled())
        left.push_back(std::move(r));
    std::erase_if(left, [&](const auto& r) {
        return std::none_of(wanted.begin(), wanted.end(), [&](const auto& w) { return w.number == r.number; });
    });
    const bool all = go_on_with(session, left, run_role::asked, false, a.session);
    exit_code worst = session.wait();
    if (!tell_reconciled(left, a.session))
        worst = worse_of(worst, exit_code::interrupted);
    return all ? worst : worse_of(worst, exit_code::usage);
}

} // namespace

void add_resume_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<resume_arguments>();
    CLI::App* c = app.add_subcommand("resume", "Go on with runs that were stopped or paused");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; without it every unfinished run")
        ->type_name("");
    c->add_option("--dag", a->dag, "Let this DAG of a server begin runs by itself again")->type_name("NAME");
    add_target_options(*c, a->target);
    add_session_options(*c, a->session);
    a->command = c;
    c->footer("What has succeeded is not done again; remote jobs that were left running are watched on. At a server:\n"
              "lets a run go on that was paused.\n"
              "Examples:\n"
              "  potoo resume\n"
              "  potoo resume k3v9\n"
              "  potoo resume --dag nightly --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return resume(*a); }; });
}

} // namespace potoo::cli
