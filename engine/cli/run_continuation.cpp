#include "engine/cli/run_continuation.hpp"

#include "engine/cli/dag_file.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/graph/load.hpp"

#include <fmt/format.h>

#include <chrono>

namespace potoo::cli {

namespace {

std::string announcement(const journal::run_row& run)
{
    if (run.ended)
        return fmt::format("run {} of {} has ended ({}), but remote jobs of it may still run: seeing to it that they "
                           "stop\n",
                           run.id.value(), run.dag_name, to_string(run.state));
    const auto age = std::chrono::floor<duration>(std::chrono::system_clock::now()) - run.created;
    return fmt::format("going on with run {} of {} (begun {} ago)\n", run.id.value(), run.dag_name, clock_text(age));
}

} // namespace

void load_plugins_of(journal::reader& journal, const journal::run_row& run, const std::vector<std::string>& given)
{
    const journal::dag_document d = journal.dag_of(run.number);
    const auto directory = std::filesystem::path(d.source_name).parent_path();
    std::vector<std::string> there = graph::plugins_of(d.source, d.source_name);
    const std::vector<std::string> recorded = there;
    std::erase_if(there, [&](const std::string& p) { return !std::filesystem::exists(directory / p); });
    load_plugins(given, there, directory);
    // One that has been moved may have been given under another name: what counts is that its operators are there.
    if (there.size() < recorded.size() &&
        !graph::load_dag(d.source, d.source_name, operators(), {.any_secret = true}).value)
        load_plugins(given, recorded, directory);
}

bool go_on_with(run_session& session, std::vector<journal::run_row> rows, run_role role, bool announce,
                const session_options& options)
{
    if (rows.empty())
        return true;
    bool all = true;
    const auto journal = open_journal(options.state.string());
    for (journal::run_row& run : rows) {
        try {
            load_plugins_of(*journal, run, options.plugins);
        } catch (const usage_error& e) {
            all = false;
            report_error(e.what());
            report_text(
                fmt::format("run {} of {} cannot go on, and is left as it is; a plugin that has been moved can be "
                            "given with --plugin\n",
                            run.id.value(), run.dag_name));
            continue;
        }
        if (announce || run.ended)
            report_text(announcement(run));
        const run_role its_role = run.ended ? run_role::reconciled : role;
        session.resume(std::move(run), its_role);
    }
    return all;
}

bool tell_reconciled(const std::vector<journal::run_row>& rows, const session_options& options)
{
    bool all = true;
    std::unique_ptr<journal::reader> journal;
    for (const journal::run_row& run : rows) {
        if (!run.ended)
            continue;
        if (!journal)
            journal = open_journal(options.state.string());
        const std::size_t left = journal->unconfirmed(run.number).size();
        const std::string name = fmt::format("run {} of {}", run.id.value(), run.dag_name);
        all = all && left == 0;
        report_text(left == 0 ? fmt::format("{}: none of its remote jobs runs any more\n", name)
                              : unconfirmed_text(left, name, run.id.value(), options.state.string()));
    }
    return all;
}

} // namespace potoo::cli
