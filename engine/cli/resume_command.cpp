#include "engine/cli/commands.hpp"
#include "engine/cli/dag_file.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_session.hpp"
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

std::vector<journal::run_row> choose_runs(journal::reader& journal, const resume_arguments& a)
{
    if (!a.run.empty())
        return {find_run(journal, a.run, a.state, true)};
    journal::run_filter filter;
    filter.unfinished = true;
    return journal.runs(filter);
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
    if (!named && a.run.empty() && !std::filesystem::exists(layout.database()) &&
        !std::filesystem::exists(layout.directory() / "lock"))
        return nothing_to_resume(a.state);
    std::vector<journal::run_row> wanted;
    {
        // Before the lock is taken: plugins must be there before a run goes on.
        const auto journal = open_journal(a.state);
        wanted = choose_runs(*journal, a);
        for (const journal::run_row& r : wanted) {
            const journal::dag_document d = journal->dag_of(r.number);
            load_plugins(a.session.plugins, graph::plugins_of(d.source, d.source_name),
                         std::filesystem::path(d.source_name).parent_path());
        }
    }
    if (wanted.empty())
        return nothing_to_resume(a.state);
    a.session.state = a.state;
    run_session session(a.session);
    // Another engine may have ended some of them since.
    for (journal::run_row& r : session.unfinished())
        if (std::any_of(wanted.begin(), wanted.end(), [&](const auto& w) { return w.number == r.number; }))
            session.resume(std::move(r));
    return session.wait();
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
