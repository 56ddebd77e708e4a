#include "engine/host/journal_requests.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/callback_book.hpp"

#include <potoo/error.hpp>
#include <potoo/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace potoo::host {

using journal::record;
using journal::record_kind;
using journal::recorded_state;

namespace {

bool same_attempt(const record& a, const record& b)
{
    return std::tie(a.task, a.item, a.attempt) == std::tie(b.task, b.item, b.attempt);
}

bool same_step(const record& a, const record& b)
{
    return same_attempt(a, b) && a.branch == b.branch && a.step == b.step;
}

/// A callback as the records of its run tell of it.
struct callback_history
{
    std::optional<record> opened;
    std::optional<record> completed;
    bool over = false; ///< nobody waits for it any more
};

callback_history history_of(journal::reader& journal, journal::run_number run, const std::string& token,
                            const std::atomic<bool>* stop = nullptr)
{
    callback_history h;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        if (r.kind == record_kind::callback_opened && runtime::parse_opened(r.data).token == token)
            h.opened = r;
        if (!h.opened)
            return !stop || !stop->load(std::memory_order_relaxed);
        if (!h.completed && r.kind == record_kind::callback_completed && same_step(r, *h.opened))
            h.completed = r;
        const bool ends = r.kind == record_kind::attempt_ended || r.kind == record_kind::attempt_interrupted;
        h.over = h.over || (ends && same_attempt(r, *h.opened)) || r.kind == record_kind::run_ended;
        return true;
    });
    return h;
}

callback_delivery callback_of(const record& completed, const std::string& token)
{
    return {token, completed.state == recorded_state::success, completed.data};
}

record cancellation(journal::run_number run, task_index task, wall_time now)
{
    record r;
    r.run = run;
    r.kind = record_kind::cancel_requested;
    r.task = task;
    r.at = now;
    r.name = to_string(cancel_reason::user);
    return r;
}

request_result answer(request_result::kind what, const run_id& run, std::string text = {}, std::string_view state = {})
{
    return {what, run, std::string(state), std::move(text)};
}

} // namespace

requested_cancellation cancellation_of(journal::reader& journal, journal::run_number run)
{
    requested_cancellation out;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const record& r) {
        // What was asked of a run that has ended since is over.
        if (r.kind == record_kind::run_reopened)
            out = {};
        if (r.kind == record_kind::task_reopened)
            out.tasks.erase(r.task);
        if (r.kind != record_kind::cancel_requested)
            return true;
        if (r.task == journal::no_task)
            out.run = true;
        else
            out.tasks.insert(r.task);
        return true;
    });
    return out;
}

callback_standing standing_of_callback(journal::reader& journal, journal::run_number run, const std::string& token,
                                       const std::atomic<bool>* stop)
{
    const callback_history h = history_of(journal, run, token, stop);
    if (!h.opened)
        return callback_standing::unknown;
    return h.completed || h.over ? callback_standing::over : callback_standing::waits;
}

request_result no_such_callback()
{
    return answer(request_result::kind::unknown, {}, "nothing waits for that token");
}

std::optional<callback_delivery> answer_of(journal::reader& journal, journal::run_number run, const std::string& token)
{
    const callback_history h = history_of(journal, run, token);
    if (!h.completed)
        return std::nullopt;
    return callback_of(*h.completed, token);
}

request_result answer_again(const run_id& run, const callback_delivery& before, const callback_delivery& delivered)
{
    using kind = request_result::kind;
    const bool same = before.success == delivered.success &&
                      runtime::parse_recorded(before.data) == runtime::parse_recorded(delivered.data);
    return same ? answer(kind::repeated, run, "it was completed before, with the same answer")
                : answer(kind::conflict, run, "it was completed before, and the first answer counts");
}

request_result has_ended(const run_id& run, std::string_view state)
{
    return answer(request_result::kind::ended, run, fmt::format("run {} has ended ({})", run.value(), state), state);
}

request_result no_such_task(const run_id& run, const std::string& dag_name, const std::string& task,
                            const std::vector<std::string>& tasks)
{
    const std::vector<std::string_view> names(tasks.begin(), tasks.end());
    const auto nearest = graph::nearest_spelling(task, names);
    return answer(request_result::kind::unknown, run,
                  fmt::format("the run of {} has no task {}{}", dag_name, task,
                              nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

journal_request request_cancel(journal::reader& journal, const journal::run_row& run,
                               const std::vector<std::string>& tasks, wall_time now)
{
    using kind = request_result::kind;
    if (run.ended)
        return {has_ended(run.id, to_string(run.state)), {}};
    const requested_cancellation before = cancellation_of(journal, run.number);
    journal_request out{answer(kind::repeated, run.id, "it was asked for before"), {}};
    const auto ask = [&](task_index t) {
        if (before.run || before.tasks.contains(t))
            return;
        out.result = answer(kind::accepted, run.id);
        out.records.push_back(cancellation(run.number, t, now));
    };
    if (tasks.empty()) {
        ask(journal::no_task);
        return out;
    }
    const journal::dag_document dag = journal.dag_of(run.number);
    const auto rows = journal.tasks(run.number);
    std::size_t open = 0;
    for (const std::string& name : tasks) {
        const auto found = std::find(dag.tasks.begin(), dag.tasks.end(), name);
        if (found == dag.tasks.end())
            return {no_such_task(run.id, dag.name, name, dag.tasks), {}};
        const auto place = static_cast<std::size_t>(found - dag.tasks.begin());
        if (place < rows.size() && is_final(rows[place].state)) {
            out.result.state = to_string(rows[place].state);
            continue;
        }
        ++open;
        ask(task_index(static_cast<std::uint32_t>(place)));
    }
    if (open == 0)
        return {answer(kind::ended, run.id,
                       tasks.size() == 1 ? fmt::format("task {} has ended ({})", tasks.front(), out.result.state)
                                         : "these tasks have all ended",
                       out.result.state),
                {}};
    return out;
}

journal_request request_completion(journal::reader& journal, const journal::run_row& run,
                                   const callback_delivery& delivered, wall_time now)
{
    using kind = request_result::kind;
    const callback_history h = history_of(journal, run.number, delivered.token);
    if (!h.opened)
        return {no_such_callback(), {}};
    if (h.completed)
        return {answer_again(run.id, callback_of(*h.completed, delivered.token), delivered), {}};
    if (h.over || run.ended)
        return {answer(kind::ended, run.id, "the attempt that waited for it has ended"), {}};
    record r = *h.opened;
    r.kind = record_kind::callback_completed;
    r.state = delivered.success ? recorded_state::success : recorded_state::failed;
    r.number = 0;
    r.at = now;
    r.data = delivered.data;
    return {answer(kind::accepted, run.id), {std::move(r)}};
}

run_id run_of(const std::string& token)
{
    return run_id(token.substr(0, token.find('.')));
}

std::optional<journal::run_row> find_callback_run(journal::reader& journal, const std::string& token,
                                                  request_result& problem)
{
    const run_id id = run_of(token);
    if (!id.value().empty()) {
        auto found = run_named(journal, id.value(), problem);
        if (found && found->id == id)
            return found;
    }
    problem = no_such_callback();
    return std::nullopt;
}

std::optional<journal::run_row> run_named(journal::reader& journal, const std::string& named, request_result& problem)
{
    journal::run_filter filter;
    filter.id_prefix = named;
    filter.limit = 2;
    const auto found = journal.runs(filter);
    for (const journal::run_row& r : found) {
        if (r.id.value() == named)
            return r;
    }
    if (found.size() == 1)
        return found.front();
    problem = answer(request_result::kind::unknown, {},
                     found.empty() ? fmt::format("there is no run {}", named)
                                   : fmt::format("several runs begin with {}; write more of the id", named));
    return std::nullopt;
}

} // namespace potoo::host
