#include "engine/cli/commands.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/request_outcome.hpp"
#include "engine/cli/run_canceller.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/stop_signals.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/journal/record.hpp"

#include <potoo/json.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <utility>

namespace potoo::cli {

using host::request_result;

namespace {

struct cancel_arguments
{
    std::string run;
    std::vector<std::string> tasks;
    target_options target;
    bool all = false;
    bool wait = false;
    bool json = false;
};

std::string what_of(const run_to_cancel& run, const cancel_arguments& a)
{
    const std::string name = fmt::format("run {} of {}", run.id.value(), run.dag);
    return a.tasks.empty() ? name : fmt::format("{} of {}", fmt::join(a.tasks, ", "), name);
}

/// It has ended as was asked for: whoever asks again has what they want.
bool is_cancelled_already(const request_result& r)
{
    return r.what == request_result::kind::ended && r.state == to_string(journal::recorded_state::cancelled);
}

std::string what_follows(const run_canceller& place, const run_to_cancel& run, const request_result& r,
                         const cancel_arguments& a)
{
    if (!r.carried)
        return fmt::format("No engine is at work on it: the next one carries it out: {}\n",
                           place.command("resume", run.id.value()));
    std::string out;
    const std::size_t deferred = a.tasks.empty() ? run.deferred : 0;
    if (deferred == 1)
        out =
            "1 attempt is deferred: what it waits for elsewhere is told to stop, and it ends when that is confirmed.\n";
    else if (deferred > 1)
        out = fmt::format("{} attempts are deferred: what they wait for elsewhere is told to stop, and each ends when "
                          "that is confirmed.\n",
                          deferred);
    return a.wait ? out : out + fmt::format("How it goes: {}\n", place.command("status", run.id.value()));
}

void tell(const run_canceller& place, const run_to_cancel& run, const request_result& r, const cancel_arguments& a)
{
    if (is_cancelled_already(r))
        return report_text(r.text + "; nothing has changed.\n");
    std::string text = what_of(run, a);
    if (r.what == request_result::kind::repeated)
        text += ": " + repeated_text(r) + "; nothing has changed.\n";
    else
        text += r.carried ? " is being cancelled.\n" : " will be cancelled: that is recorded.\n";
    report_text(text + what_follows(place, run, r, a));
}

json::object to_json(const run_to_cancel& run, const request_result& r, const cancel_arguments& a)
{
    const auto what = to_string(r.what);
    json::object o{{"run", run.id.value()},
                   {"dag", run.dag},
                   {"result", json::string_view(what.data(), what.size())},
                   {"carried", r.carried}};
    if (!a.tasks.empty())
        o["tasks"] = json::value_from(a.tasks);
    return o;
}

/// @throws usage_error when there is nothing that could be cancelled
void check(const request_result& r)
{
    using kind = request_result::kind;
    if (is_cancelled_already(r) || r.what == kind::accepted || r.what == kind::repeated)
        return;
    throw usage_error(r.what == kind::ended ? r.text + ": there is nothing to cancel" : r.text);
}

void tell_end(const run_canceller& place, const run_to_cancel& run, const cancelled_end& end, const cancel_arguments& a)
{
    const std::string& id = run.id.value();
    if (end.signal != 0)
        report_text(fmt::format("{}: the cancellation goes on without this command. How it goes: {}\n",
                                signal_name(end.signal), place.command("status", id)));
    else if (end.ended)
        report_text(fmt::format("{}: {}\n", what_of(run, a), end.state));
    else
        report_text(fmt::format("The engine has left before the end: {}\n", place.command("resume", id)));
    if (end.unconfirmed > 0)
        report_text(place.unconfirmed_notes(run, end.unconfirmed));
}

exit_code wait_for_end(run_canceller& place, const run_to_cancel& run, const request_result& r,
                       const cancel_arguments& a, json::object& document, int& signal)
{
    if (!r.carried && !is_cancelled_already(r)) {
        if (!a.json)
            report_text("There is nothing to wait for.\n");
        return exit_code::interrupted;
    }
    const cancelled_end end = place.wait(run, a.tasks);
    document["state"] = end.state;
    document["unconfirmed"] = end.unconfirmed;
    signal = end.signal;
    if (!a.json || end.signal != 0)
        tell_end(place, run, end, a);
    return end.ended ? exit_code_of_state(end.state) : exit_code::interrupted;
}

std::vector<run_to_cancel> choose(run_canceller& place, const cancel_arguments& a)
{
    if (a.all)
        return place.all();
    return {place.find(a.run, a.tasks)};
}

exit_code cancel(const cancel_arguments& a)
{
    if (a.all && !a.run.empty())
        throw usage_error("give a RUN, or --all");
    if (!a.all && a.run.empty())
        throw usage_error("which run? `potoo ls --unfinished` lists them; --all cancels every one");
    const auto place = open_canceller(a.target);
    std::vector<std::pair<run_to_cancel, request_result>> asked;
    bool waiting = false;
    for (run_to_cancel& run : choose(*place, a)) {
        request_result r = place->ask(run.id, a.tasks);
        if (a.wait && !std::exchange(waiting, true))
            place->expect_signals();
        // Of all, one may have ended since it was listed.
        if (a.all && r.what == request_result::kind::ended)
            continue;
        check(r);
        if (!a.json)
            tell(*place, run, r, a);
        asked.emplace_back(std::move(run), std::move(r));
    }
    if (asked.empty() && !a.json)
        report_text(fmt::format("Nothing to cancel: no run {} is unfinished.\n", place->where()));
    exit_code worst = exit_code::success;
    json::array documents;
    int signal = 0;
    for (const auto& [run, r] : asked) {
        json::object document = to_json(run, r, a);
        if (a.wait && signal == 0)
            worst = worse_of(worst, wait_for_end(*place, run, r, a, document, signal));
        documents.push_back(std::move(document));
    }
    if (a.json)
        print_json(a.all ? json::value(std::move(documents)) : documents.front());
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
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("The request is in the journal when this returns: it is carried out whatever happens. Without an\n"
              "engine at work, the next one does it.\n"
              "Examples:\n"
              "  potoo cancel k3v9\n"
              "  potoo cancel k3v9 align --wait\n"
              "  potoo cancel --all --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return cancel(*a); }; });
}

} // namespace potoo::cli
