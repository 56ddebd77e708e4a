#include "engine/cli/commands.hpp"
#include "engine/cli/display/display.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/table.hpp"
#include "engine/cli/display/terminal.hpp"
#include "engine/cli/run_json.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/journal/state_dir.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>
#include <utility>

#include <unistd.h>

namespace potoo::cli {

using journal::record_kind;
using journal::recorded_state;

namespace {

struct status_arguments
{
    std::string run;
    std::string task;
    std::string state = ".potoo";
    bool json = false;
};

struct attempt_row
{
    item_index item;
    attempt_number attempt;
    recorded_state state = recorded_state::running;
    std::optional<wall_time> started;
    std::optional<duration> took;
    std::string key;
    std::string data;
};

std::string error_text(const std::string& data)
{
    const json::value error = recorded_json(data);
    return error.is_object() ? error_message(error.get_object()) : data;
}

std::string counts_text(const journal::task_row& t)
{
    std::string out;
    for (std::size_t s = 1; s < journal::recorded_state_count; ++s)
        if (t.counts[s] > 0)
            out +=
                fmt::format("{}{} {}", out.empty() ? "" : ", ", t.counts[s], to_string(static_cast<recorded_state>(s)));
    return out;
}

std::string note_of(const journal::task_row& t)
{
    std::string out = t.items != 1 ? counts_text(t) : "";
    const bool ended_well = t.state == recorded_state::success;
    if (!t.error.empty() && !ended_well)
        out += (out.empty() ? "" : "; ") + error_text(t.error);
    return out;
}

/// Every attempt of a task that the journal tells of, by item and number.
std::vector<attempt_row> attempts_of(journal::reader& journal, journal::run_number run, task_index task)
{
    std::map<std::pair<item_index, attempt_number>, attempt_row> rows;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        if (r.task != task || r.item == journal::no_item || r.attempt.value() == 0)
            return true;
        attempt_row& row = rows[{r.item, r.attempt}];
        row.item = r.item;
        row.attempt = r.attempt;
        switch (r.kind) {
        case record_kind::attempt_started:
            row.started = r.at;
            row.key = r.name;
            break;
        case record_kind::attempt_deferred:
            row.state = recorded_state::deferred;
            break;
        case record_kind::attempt_resumed:
            row.state = recorded_state::running;
            break;
        case record_kind::attempt_interrupted:
            row.state = recorded_state::none;
            break;
        case record_kind::attempt_ended:
            row.state = r.state;
            row.took = duration(r.number);
            row.data = r.data;
            break;
        default:
            break;
        }
        return true;
    });
    std::vector<attempt_row> out;
    for (auto& [key, row] : rows)
        out.push_back(std::move(row));
    return out;
}

std::string state_text(const attempt_row& a)
{
    return a.state == recorded_state::none ? "interrupted" : std::string(to_string(a.state));
}

std::string head_text(const journal::run_row& r, bool engine_alive)
{
    std::string state(to_string(r.state));
    if (!r.ended && !engine_alive)
        state += ", but no engine is at work here: potoo resume " + r.id.value();
    std::string out = fmt::format("run      {}\ndag      {}\nstate    {}\n", r.id.value(), r.dag_name, state);
    out += fmt::format("created  {} UTC\n", instant_text(r.created));
    if (r.started && r.ended)
        out += fmt::format("took     {}\n", elapsed_text(*r.ended - *r.started));
    if (r.params != "{}" && !r.params.empty())
        out += fmt::format("params   {}\n", r.params);
    return out;
}

std::string tasks_text(const std::vector<journal::task_row>& tasks)
{
    table t({{"TASK"},
             {"STATE"},
             {"ITEMS", table::align::right},
             {"ATTEMPTS", table::align::right},
             {"TOOK", table::align::right},
             {"NOTE"}});
    for (const auto& row : tasks)
        t.add({row.name, std::string(to_string(row.state)), fmt::format("{}", row.items),
               fmt::format("{}", row.attempts), row.started && row.ended ? elapsed_text(*row.ended - *row.started) : "",
               note_of(row)});
    return t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8());
}

/// A remote job that may run still.
struct loose_job
{
    run_id run;
    std::string task;
    journal::unconfirmed_remote job;
};

/// @param all of every run
std::vector<loose_job> loose_jobs(journal::reader& journal, const journal::run_row& run, bool all)
{
    std::vector<loose_job> out;
    const auto jobs = journal.unconfirmed(all ? std::nullopt : std::optional(run.number));
    std::map<journal::run_number, std::pair<run_id, journal::dag_document>> dags;
    if (jobs.empty())
        return out;
    for (const journal::run_row& r : journal.runs({}))
        dags[r.number].first = r.id;
    for (const journal::unconfirmed_remote& j : jobs) {
        auto& [id, dag] = dags[j.run];
        if (dag.tasks.empty())
            dag = journal.dag_of(j.run);
        out.push_back({id, dag.tasks.at(j.task.value()), j});
    }
    return out;
}

std::string why_of(const journal::unconfirmed_remote& j)
{
    const json::value why = recorded_json(j.why);
    return why.is_string() ? std::string(why.get_string()) : j.why;
}

json::array loose_json(const std::vector<loose_job>& jobs)
{
    json::array out;
    for (const loose_job& l : jobs)
        out.push_back(json::object{{"run", l.run.value()},
                                   {"task", l.task},
                                   {"item", l.job.item.value()},
                                   {"attempt", l.job.attempt.value()},
                                   {"token", l.job.token},
                                   {"why", recorded_json(l.job.why)}});
    return out;
}

std::string loose_text(const std::vector<loose_job>& jobs)
{
    if (jobs.empty())
        return {};
    table t({{"RUN"}, {"TASK"}, {"ITEM", table::align::right}, {"ATTEMPT", table::align::right}, {"TOKEN"}, {"WHY"}});
    for (const loose_job& l : jobs)
        t.add({l.run.value(), l.task, fmt::format("{}", l.job.item.value()), fmt::format("{}", l.job.attempt.value()),
               l.job.token, why_of(l.job)});
    return fmt::format("\nremote jobs that may run still, for nothing has confirmed their end (potoo resume sees to "
                       "them):\n{}",
                       t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8()));
}

/// Tasks as they are shown: `cancelling` from when their cancellation is recorded to their end.
std::vector<journal::task_row> tasks_of(journal::reader& journal, const journal::run_row& run)
{
    auto tasks = journal.tasks(run.number);
    if (run.ended)
        return tasks;
    for (const task_index t : host::cancellation_of(journal, run.number).tasks) {
        recorded_state& state = tasks.at(t.value()).state;
        state = is_final(state) ? state : recorded_state::cancelling;
    }
    return tasks;
}

/// @param latest no run was named
exit_code show_run(journal::reader& journal, const journal::run_row& run, bool engine_alive, bool latest, bool as_json)
{
    const auto tasks = tasks_of(journal, run);
    const auto loose = loose_jobs(journal, run, latest);
    file_output out(STDOUT_FILENO);
    if (as_json) {
        json::object document = run_json(run);
        json::array rows;
        for (const auto& t : tasks)
            rows.push_back(task_json(t));
        document["tasks"] = std::move(rows);
        document["unconfirmed"] = loose_json(loose);
        out.line(json::serialize(document));
    } else {
        out.write(head_text(run, engine_alive) + '\n' + tasks_text(tasks) + loose_text(loose));
    }
    out.flush();
    return exit_code::success;
}

json::object attempt_json(const attempt_row& a)
{
    json::object o{{"item", a.item.value()}, {"attempt", a.attempt.value()}, {"state", state_text(a)}};
    if (!a.key.empty())
        o["key"] = a.key;
    if (a.started)
        o["started"] = format_time(*a.started);
    if (a.took)
        o["elapsed_ms"] = a.took->count();
    if (!a.data.empty())
        o[a.state == recorded_state::success ? "output" : "error"] = recorded_json(a.data);
    return o;
}

std::string attempts_text(const std::vector<attempt_row>& attempts)
{
    table t({{"ITEM", table::align::right},
             {"KEY"},
             {"ATTEMPT", table::align::right},
             {"STATE"},
             {"TOOK", table::align::right},
             {"OUTPUT OR ERROR"}});
    for (const auto& a : attempts)
        t.add({fmt::format("{}", a.item.value()), a.key, fmt::format("{}", a.attempt.value()), state_text(a),
               a.took ? elapsed_text(*a.took) : "",
               a.state == recorded_state::success ? a.data
               : a.data.empty()                   ? ""
                                                  : error_text(a.data)});
    return t.text(::isatty(STDOUT_FILENO) ? window_of(STDOUT_FILENO).columns : 0, locale_is_utf8());
}

exit_code show_task(journal::reader& journal, const journal::run_row& run, const std::string& name, bool as_json)
{
    const task_index task = find_task(journal.dag_of(run.number), name);
    const journal::task_row row = tasks_of(journal, run).at(task.value());
    const auto attempts = attempts_of(journal, run.number, task);
    file_output out(STDOUT_FILENO);
    if (as_json) {
        json::object document = task_json(row);
        json::array rows;
        for (const auto& a : attempts)
            rows.push_back(attempt_json(a));
        document["attempt_list"] = std::move(rows);
        out.line(json::serialize(document));
    } else {
        out.write(
            fmt::format("run      {}\ntask     {}\nstate    {}\n", run.id.value(), row.name, to_string(row.state)));
        if (row.items != 1)
            out.write(fmt::format("items    {}\n", counts_text(row)));
        if (!attempts.empty())
            out.write('\n' + attempts_text(attempts));
    }
    out.flush();
    return exit_code::success;
}

exit_code status(const status_arguments& a)
{
    const auto journal = open_journal(a.state);
    const auto run = as_shown(*journal, find_run(*journal, a.run, a.state));
    if (!a.task.empty())
        return show_task(*journal, run, a.task, a.json);
    return show_run(*journal, run, journal::state_lock::is_held(journal::state_layout(a.state)), a.run.empty(), a.json);
}

} // namespace

void add_status_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<status_arguments>();
    CLI::App* c = app.add_subcommand("status", "Show how a run stands, with its tasks");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`, or nothing: the latest")
        ->type_name("");
    c->add_option("TASK", a->task, "Show the attempts of this task")->type_name("");
    add_state_option(*c, a->state);
    add_format_option(*c, a->json);
    c->footer("Examples:\n"
              "  potoo status\n"
              "  potoo status k3v9 align\n"
              "  potoo status -o json | jq .state");
    c->callback([a, &chosen] { chosen = [a] { return status(*a); }; });
}

} // namespace potoo::cli
