#include "engine/cli/commands.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/table.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_json.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"
#include "engine/journal/state_dir.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <unistd.h>

namespace potoo::cli {

namespace {

struct ls_arguments
{
    std::string state = ".potoo";
    std::string dag;
    std::size_t limit = 20;
    bool unfinished = false;
    bool json = false;
};

std::string took(const journal::run_row& r)
{
    return r.started && r.ended ? elapsed_text(*r.ended - *r.started) : "";
}

/// How many remote jobs of each run may run still.
using job_counts = std::map<journal::run_number, std::size_t>;

job_counts unconfirmed_by_run(journal::reader& journal)
{
    job_counts out;
    for (const journal::unconfirmed_remote& j : journal.unconfirmed(std::nullopt))
        ++out[j.run];
    return out;
}

/// Also of runs that are not listed: somebody pays for them.
void tell_unconfirmed(const job_counts& loose, const std::vector<journal::run_row>& listed, const std::string& state)
{
    constexpr std::size_t runs_named = 10;
    std::size_t named = 0;
    std::size_t others = 0;
    for (const auto& [run, jobs] : loose) {
        const auto found = std::find_if(listed.begin(), listed.end(), [&](const auto& r) { return r.number == run; });
        if (found == listed.end() || named == runs_named) {
            others += jobs;
            continue;
        }
        ++named;
        report_text(unconfirmed_text(jobs, fmt::format("run {} of {}", found->id.value(), found->dag_name),
                                     found->id.value(), state));
    }
    if (others > 0)
        report_text(fmt::format("{} of other runs may still run; which: {}\n", remote_jobs_text(others),
                                next_command("status", {}, state)));
}

exit_code list(const ls_arguments& a)
{
    const auto journal = open_journal(a.state);
    journal::run_filter filter;
    filter.unfinished = a.unfinished;
    filter.dag_name = a.dag;
    filter.limit = a.limit == 0 ? 0 : a.limit + 1;
    auto runs = journal->runs(filter);
    const bool more = a.limit > 0 && runs.size() > a.limit;
    if (more)
        runs.pop_back();
    const bool engine_alive = journal::state_lock::is_held(journal::state_layout(a.state));
    table t({{"RUN"}, {"DAG"}, {"STATE"}, {"CREATED (UTC)"}, {"TOOK", table::align::right}});
    json::array documents;
    std::size_t left_behind = 0;
    const auto loose = unconfirmed_by_run(*journal);
    for (const auto& row : runs) {
        const auto r = as_shown(*journal, row);
        const auto jobs = loose.find(r.number);
        left_behind += !r.ended && !engine_alive ? 1 : 0;
        documents.push_back(run_json(r));
        if (jobs != loose.end())
            documents.back().get_object()["unconfirmed"] = jobs->second;
        t.add({r.id.value(), r.dag_name, std::string(to_string(r.state)), instant_text(r.created), took(r)});
    }
    file_output out(STDOUT_FILENO);
    if (a.json)
        out.line(json::serialize(documents));
    else
        out.write(t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8()));
    out.flush();
    if (more)
        report_text("There are more: --limit 0 lists all.\n");
    if (left_behind > 0 && !a.json)
        report_text(fmt::format("{} unfinished, and no engine is at work here: {}\n", left_behind,
                                next_command("resume", {}, a.state)));
    if (!a.json)
        tell_unconfirmed(loose, runs, a.state);
    return exit_code::success;
}

} // namespace

void add_ls_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<ls_arguments>();
    CLI::App* c = app.add_subcommand("ls", "List runs, the latest first");
    add_state_option(*c, a->state);
    c->add_option("--dag", a->dag, "Only runs of this DAG")->type_name("NAME");
    c->add_flag("--unfinished", a->unfinished, "Only runs that have not ended");
    c->add_option("--limit", a->limit, "At most so many; 0 = all")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    add_format_option(*c, a->json);
    c->footer("Example:\n  potoo ls --dag nightly-align --limit 5");
    c->callback([a, &chosen] { chosen = [a] { return list(*a); }; });
}

} // namespace potoo::cli
