#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_continuation.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_session.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/journal/state_dir.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

struct resume_arguments
{
    std::string run;
    session_options session;
    std::string state = ".potoo";
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

exit_code resume(resume_arguments a)
{
    const journal::state_layout layout(a.state);
    // In a folder where nothing ran yet there is nothing to resume; a directory that was named must be there.
    const bool named = a.state != resume_arguments().state;
    std::error_code ec;
    const auto is_missing = [&ec](const std::filesystem::path& file) {
        return std::filesystem::status(file, ec).type() == std::filesystem::file_type::not_found;
    };
    if (!named && a.run.empty() && is_missing(layout.database()) && is_missing(layout.directory() / "lock"))
        return nothing_to_resume(a.state);
    const std::vector<journal::run_row> wanted = choose_runs(*open_journal(a.state), a);
    if (wanted.empty())
        return nothing_to_resume(a.state);
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
    CLI::App* c = app.add_subcommand("resume", "Go on with runs that were stopped");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; without it every unfinished run")
        ->type_name("");
    add_state_option(*c, a->state);
    add_session_options(*c, a->session);
    c->footer("What has succeeded is not done again; remote jobs that were left running are watched on.\n"
              "Examples:\n"
              "  potoo resume\n"
              "  potoo resume k3v9");
    c->callback([a, &chosen] { chosen = [a] { return resume(*a); }; });
}

} // namespace potoo::cli
