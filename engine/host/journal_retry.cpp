// Pauses and retries of runs that no engine carries.

#include "engine/host/journal_requests.hpp"
#include "engine/host/recorded_dag.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/schedule/tasks_to_reopen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace potoo::host {

using journal::record;
using journal::record_kind;
using journal::recorded_state;
using result_kind = request_result::kind;

namespace {

record record_of(journal::run_number run, record_kind kind, wall_time now)
{
    record r;
    r.run = run;
    r.kind = kind;
    r.at = now;
    return r;
}

bool is_paused(journal::reader& journal, journal::run_number run)
{
    bool paused = false;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        if (r.kind == record_kind::paused || r.kind == record_kind::resumed || r.kind == record_kind::run_reopened)
            paused = r.kind == record_kind::paused;
        return true;
    });
    return paused;
}

schedule::task_state state_of(recorded_state s)
{
    for (std::size_t i = 0; i < schedule::task_state_count; ++i) {
        if (schedule::task_state_names[i] == to_string(s))
            return static_cast<schedule::task_state>(i);
    }
    return schedule::task_state::pending;
}

schedule::task_standing standing_of(const graph::task_spec& spec, const journal::task_row& row)
{
    const auto count = [&row](recorded_state s) { return row.counts[static_cast<std::size_t>(s)]; };
    const std::uint32_t unsuccessful = count(recorded_state::failed) + count(recorded_state::timed_out) +
                                       count(recorded_state::cancelled) + count(recorded_state::upstream_failed);
    return {state_of(row.state), spec.foreach.has_value() && unsuccessful > 0};
}

/// The last attempts of a run's items, and whether they ended well.
struct last_attempt
{
    attempt_number number{0};
    bool well = false;
};

using attempts_of_items = std::map<std::pair<task_index, item_index>, last_attempt>;

attempts_of_items last_attempts(journal::reader& journal, journal::run_number run)
{
    attempts_of_items out;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        if (r.task == journal::no_task || r.item == journal::no_item || r.attempt.value() == 0)
            return true;
        last_attempt& known = out[{r.task, r.item}];
        if (r.attempt < known.number)
            return true;
        known.number = r.attempt;
        known.well = r.kind == record_kind::attempt_ended &&
                     (r.state == recorded_state::success || r.state == recorded_state::skipped);
        return true;
    });
    return out;
}

class reopening_records
{
  public:
    reopening_records(journal::run_number run, attempts_of_items attempts, wall_time now)
        : run_(run), attempts_(std::move(attempts)), now_(now)
    {}

    void reopen_run() { records_.push_back(record_of(run_, record_kind::run_reopened, now_)); }

    void reopen(const schedule::task_reopened& e)
    {
        // Whichever is last is how the task is shown: waiting for others, or for its items.
        if (e.all)
            retry_items(e);
        record& r = records_.emplace_back(record_of(run_, record_kind::task_reopened, now_));
        r.task = e.task;
        r.number = e.all ? 1 : 0;
        if (!e.all)
            retry_items(e);
    }

    [[nodiscard]] std::vector<record> take() { return std::move(records_); }

  private:
    void retry_items(const schedule::task_reopened& e)
    {
        for (auto i = attempts_.lower_bound({e.task, item_index(0)}); i != attempts_.end() && i->first.first == e.task;
             ++i) {
            if (i->second.well && !e.all)
                continue;
            record& r = records_.emplace_back(record_of(run_, record_kind::retry_scheduled, now_));
            r.task = e.task;
            r.item = i->first.second;
            r.attempt = i->second.number;
            r.number = now_.time_since_epoch().count();
        }
    }

    journal::run_number run_;
    attempts_of_items attempts_;
    wall_time now_;
    std::vector<record> records_;
};

} // namespace

journal_request request_pause(journal::reader& journal, const journal::run_row& run, bool paused, wall_time now)
{
    if (run.ended)
        return {has_ended(run.id, to_string(run.state)), {}};
    if (cancellation_of(journal, run.number).run)
        return {being_cancelled(run.id), {}};
    if (is_paused(journal, run.number) == paused)
        return {{result_kind::repeated, run.id, {}, paused ? "it is paused already" : "it is not paused"}, {}};
    const auto kind = paused ? record_kind::paused : record_kind::resumed;
    return {{result_kind::accepted, run.id, {}, {}}, {record_of(run.number, kind, now)}};
}

journal_request request_retry(journal::reader& journal, const journal::run_row& run, const retry_wish& wish,
                              wall_time now)
{
    // Its key is free once it has ended: meanwhile there may be another of that key.
    if (runtime::parse_run_origin(run.origin).by == "task")
        return {
            {result_kind::invalid,
             run.id,
             {},
             fmt::format("run {} is of an ad-hoc task, which does not run once more: submit it again", run.id.value())},
            {}};
    if (!run.ended && cancellation_of(journal, run.number).run)
        return {being_cancelled(run.id), {}};
    const auto dag = load_recorded_dag(journal, run);
    schedule::reopen_wish tasks;
    tasks.downstream = wish.downstream;
    tasks.failed_only = wish.failed_only;
    if (auto wrong = find_tasks(run.id, dag->name, task_names(*dag), wish.tasks, tasks.tasks))
        return {*wrong, {}};
    const auto rows = journal.tasks(run.number);
    const auto all = schedule::tasks_to_reopen(
        *dag, tasks, [&](task_index t) { return standing_of((*dag)[t], rows.at(t.value())); });
    if (all.empty())
        return {{result_kind::repeated, run.id, {}, "nothing of it has ended that could run once more"}, {}};
    // How its tasks have ended is only known once all is replayed: some of it follows from what is recorded.
    if (!run.ended)
        return {{result_kind::invalid,
                 run.id,
                 {},
                 fmt::format("run {} has not ended, and no engine is at work on it: resume it, then ask again",
                             run.id.value())},
                {}};
    reopening_records out(run.number, last_attempts(journal, run.number), now);
    out.reopen_run();
    for (const schedule::task_reopened& e : all)
        out.reopen(e);
    return {{result_kind::accepted, run.id, {}, {}}, out.take()};
}

std::vector<std::string> task_names(const graph::dag& d)
{
    std::vector<std::string> names;
    for (const auto& t : d.tasks)
        names.push_back(t.name);
    return names;
}

std::optional<request_result> find_tasks(const run_id& run, const std::string& dag_name,
                                         const std::vector<std::string>& known, const std::vector<std::string>& names,
                                         std::vector<task_index>& out)
{
    for (const std::string& name : names) {
        const auto found = std::find(known.begin(), known.end(), name);
        if (found == known.end())
            return no_such_task(run, dag_name, name, known);
        out.emplace_back(static_cast<std::uint32_t>(found - known.begin()));
    }
    return std::nullopt;
}

request_result not_begun(const run_id& run)
{
    return {request_result::kind::invalid,
            run,
            {},
            fmt::format("run {} begins, or ends, just now; try again", run.value()),
            true};
}

request_result being_cancelled(const run_id& run)
{
    return {
        result_kind::invalid, run, {}, fmt::format("run {} is being cancelled; wait until it has ended", run.value())};
}

} // namespace potoo::host
