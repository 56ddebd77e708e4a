#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_end_wait.hpp"
#include "engine/cli/run_json.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/journal_requests.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

namespace potoo::cli {

using host::request_result;

namespace {

constexpr std::chrono::seconds time_to_answer{60};

struct cancel_arguments
{
    std::string run;
    std::vector<std::string> tasks;
    std::string state = ".potoo";
    bool all = false;
    bool wait = false;
    bool json = false;
};

wall_time wall_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

request_result ask(const journal::run_row& run, const cancel_arguments& a)
{
    const state_access access(a.state, host::cancel_request(run.id, a.tasks), time_to_answer);
    if (access.answer())
        return host::result_of_answer(*access.answer());
    request_result problem;
    // It may have ended while the engine left.
    const auto now = host::run_named(access.journal(), run.id.value(), problem);
    if (!now)
        return problem;
    host::journal_request request = host::request_cancel(access.journal(), *now, a.tasks, wall_now());
    journal::batch records;
    records.records = std::move(request.records);
    if (!records.empty())
        access.journal().append(records);
    return request.result;
}

std::size_t deferred_items(journal::reader& journal, journal::run_number run)
{
    std::size_t n = 0;
    for (const journal::task_row& t : journal.tasks(run))
        n += t.counts[static_cast<std::size_t>(journal::recorded_state::deferred)];
    return n;
}

std::string what_of(const journal::run_row& run, const cancel_arguments& a)
{
    const std::string name = fmt::format("run {} of {}", run.id.value(), run.dag_name);
    return a.tasks.empty() ? name : fmt::format("{} of {}", fmt::join(a.tasks, ", "), name);
}

/// It has ended as was asked for: whoever asks again has what they want.
bool is_cancelled_already(const request_result& r)
{
    return r.what == request_result::kind::ended && r.state == to_string(journal::recorded_state::cancelled);
}

/// @param deferred attempts that were when it was asked for
std::string what_follows(std::size_t deferred, const journal::run_row& run, const request_result& r,
                         const cancel_arguments& a)
{
    if (!r.carried)
        return fmt::format("No engine is at work on it: the next one carries it out: {}\n",
                           next_command("resume", run.id.value(), a.state));
    std::string out;
    if (deferred == 1)
        out =
            "1 attempt is deferred: what it waits for elsewhere is told to stop, and it ends when that is confirmed.\n";
    else if (deferred > 1)
        out = fmt::format("{} attempts are deferred: what they wait for elsewhere is told to stop, and each ends when "
                          "that is confirmed.\n",
                          deferred);
    return a.wait ? out : out + fmt::format("How it goes: {}\n", next_command("status", run.id.value(), a.state));
}

void tell(std::size_t deferred, const journal::run_row& run, const request_result& r, const cancel_arguments& a)
{
    if (is_cancelled_already(r))
        return report_text(r.text + "; nothing has changed.\n");
    std::string text = what_of(run, a);
    if (r.what == request_result::kind::repeated)
        text += ": " + r.text + "; nothing has changed.\n";
    else
        text += r.carried ? " is being cancelled.\n" : " will be cancelled: that is recorded.\n";
    report_text(text + what_follows(deferred, run, r, a));
}

json::object to_json(const journal::run_row& run, const request_result& r, const cancel_arguments& a)
{
    const auto what = to_string(r.what);
    json::object o{{"run", run.id.value()},
                   {"dag", run.dag_name},
                   {"result", json::string_view(what.data(), what.size())},
                   {"carried", r.carried}};
    if (!a.tasks.empty()) {
        json::array tasks;
        for (const auto& t : a.tasks)
            tasks.emplace_back(t);
        o["tasks"] = std::move(tasks);
    }
    return o;
}

/// @throws usage_error when there is nothing that could be cancelled
void check(const request_result& r)
{
    using kind = request_result::kind;
    if (is_cancelled_already(r))
        return;
    if (r.what == kind::ended)
        throw usage_error(r.text + ": there is nothing to cancel");
    if (r.what == kind::unknown || r.what == kind::invalid)
        throw usage_error(r.text);
}

void tell_end(const journal::run_row& run, const awaited_end& end, std::size_t unconfirmed, const cancel_arguments& a)
{
    const std::string& id = run.id.value();
    if (end.signal != 0)
        report_text(fmt::format("{}: the cancellation goes on without this command. How it goes: {}\n",
                                signal_name(end.signal), next_command("status", id, a.state)));
    else if (end.ended)
        report_text(fmt::format("{}: {}\n", what_of(run, a), to_string(end.state)));
    else
        report_text(fmt::format("The engine has left before the end: {}\n", next_command("resume", id, a.state)));
    if (unconfirmed > 0)
        report_text(unconfirmed_text(unconfirmed, fmt::format("run {} of {}", id, run.dag_name), id, a.state));
}

exit_code wait_for_end(end_wait& waiting, journal::reader& journal, const journal::run_row& run,
                       const request_result& r, const cancel_arguments& a, json::object& document, int& signal)
{
    if (!r.carried && !is_cancelled_already(r)) {
        if (!a.json)
            report_text("There is nothing to wait for.\n");
        return exit_code::interrupted;
    }
    std::vector<task_index> tasks;
    const journal::dag_document dag = journal.dag_of(run.number);
    for (const std::string& t : a.tasks)
        tasks.push_back(find_task(dag, t));
    const awaited_end end = waiting.wait_for(journal, run, tasks, journal::state_layout(a.state));
    const std::string state(to_string(end.state));
    const std::size_t unconfirmed = journal.unconfirmed(run.number).size();
    document["state"] = state;
    document["unconfirmed"] = unconfirmed;
    signal = end.signal;
    if (!a.json || end.signal != 0)
        tell_end(run, end, unconfirmed, a);
    return end.ended ? exit_code_of_end(end.state) : exit_code::interrupted;
}

/// Also one that has just begun, and is not in the journal yet.
journal::run_row choose_run(journal::reader& journal, const cancel_arguments& a)
{
    try {
        return find_run(journal, a.run, a.state, latest_run::unfinished);
    } catch (const usage_error&) {
        if (!journal::state_lock::is_held(journal::state_layout(a.state)))
            throw;
        const state_access access(a.state, host::ping_request(), time_to_answer);
    }
    // Its engine has answered: what it had begun before can be seen by now.
    return find_run(journal, a.run, a.state, latest_run::unfinished);
}

exit_code cancel(const cancel_arguments& a)
{
    if (a.all && !a.run.empty())
        throw usage_error("give a RUN, or --all");
    if (!a.all && a.run.empty())
        throw usage_error("which run? `potoo ls --unfinished` lists them; --all cancels every one");
    const auto journal = open_journal(a.state);
    std::vector<journal::run_row> runs;
    if (a.all) {
        journal::run_filter filter;
        filter.unfinished = true;
        runs = journal->runs(filter);
    } else {
        runs.push_back(choose_run(*journal, a));
        const journal::dag_document dag = journal->dag_of(runs.front().number);
        for (const std::string& t : a.tasks)
            static_cast<void>(find_task(dag, t));
    }
    std::vector<std::pair<journal::run_row, request_result>> asked;
    std::optional<end_wait> waiting;
    for (const journal::run_row& run : runs) {
        const std::size_t deferred = a.tasks.empty() ? deferred_items(*journal, run.number) : 0;
        request_result r = ask(run, a);
        if (a.wait && !waiting)
            waiting.emplace();
        // Of all, one may have ended since it was listed.
        if (a.all && r.what == request_result::kind::ended)
            continue;
        check(r);
        if (!a.json)
            tell(deferred, run, r, a);
        asked.emplace_back(run, std::move(r));
    }
    if (asked.empty() && !a.json)
        report_text(fmt::format("Nothing to cancel: no run in {} is unfinished.\n", a.state));
    exit_code worst = exit_code::success;
    json::array documents;
    int signal = 0;
    for (const auto& [run, r] : asked) {
        json::object document = to_json(run, r, a);
        if (a.wait && signal == 0)
            worst = worse_of(worst, wait_for_end(*waiting, *journal, run, r, a, document, signal));
        documents.push_back(std::move(document));
    }
    if (a.json) {
        file_output out(STDOUT_FILENO);
        out.line(json::serialize(a.all ? json::value(std::move(documents)) : documents.front()));
        out.flush();
    }
    return worst;
}

} // namespace

void add_cancel_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<cancel_arguments>();
    CLI::App* c = app.add_subcommand("cancel", "Stop a run, or tasks of it, with its remote jobs");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`: the latest that has not ended")
        ->type_name("");
    c->add_option("TASK", a->tasks, "Only these tasks")->type_name("");
    c->add_flag("--all", a->all, "Every run that has not ended");
    c->add_flag("--wait", a->wait, "Wait for the end; the exit code says how it was");
    add_state_option(*c, a->state);
    add_format_option(*c, a->json);
    c->footer("The request is in the journal when this returns: it is carried out whatever happens. Without an\n"
              "engine at work, the next one does it.\n"
              "Examples:\n"
              "  potoo cancel k3v9\n"
              "  potoo cancel k3v9 align --wait\n"
              "  potoo cancel --all");
    c->callback([a, &chosen] { chosen = [a] { return cancel(*a); }; });
}

} // namespace potoo::cli
