#include "engine/cli/state_runs.hpp"

#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/shell_word.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/stop_wait.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/host/run_json.hpp"
#include "engine/journal/state_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace potoo::cli {

using journal::record_kind;
using journal::recorded_state;

namespace {

constexpr std::chrono::milliseconds look_again{250};

json::string_view sv(std::string_view text)
{
    return {text.data(), text.size()};
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
std::string unconfirmed_notes(const job_counts& loose, const std::vector<journal::run_row>& listed,
                              const std::string& state)
{
    constexpr std::size_t runs_named = 10;
    std::size_t named = 0;
    std::size_t others = 0;
    std::string out;
    for (const auto& [run, jobs] : loose) {
        const auto found = std::find_if(listed.begin(), listed.end(), [&](const auto& r) { return r.number == run; });
        if (found == listed.end() || named == runs_named) {
            others += jobs;
            continue;
        }
        ++named;
        out += unconfirmed_text(jobs, fmt::format("run {} of {}", found->id.value(), found->dag_name),
                                found->id.value(), state);
    }
    if (others > 0)
        out += fmt::format("{} of other runs may still run; which: {}\n", remote_jobs_text(others),
                           next_command("status", {}, state));
    return out;
}

recorded_state parse_state(const std::string& text)
{
    std::string known;
    for (std::size_t s = 1; s < journal::recorded_state_count; ++s) {
        const auto name = to_string(static_cast<recorded_state>(s));
        if (name == text)
            return static_cast<recorded_state>(s);
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    throw usage_error(fmt::format("there is no state {}; there are {}", text, known));
}

std::optional<wall_time> instant_of(const std::string& text)
{
    return text.empty() ? std::nullopt : parse_time(text);
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

struct told_attempt
{
    item_index item;
    attempt_number attempt;
    recorded_state state = recorded_state::running;
    std::optional<wall_time> started;
    std::optional<duration> took;
    std::string key;
    std::string data;
};

/// Every attempt of a task that the journal tells of, by item and number.
std::vector<told_attempt> attempts_of(journal::reader& journal, journal::run_number run, task_index task)
{
    std::map<std::pair<item_index, attempt_number>, told_attempt> rows;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        if (r.task != task || r.item == journal::no_item || r.attempt.value() == 0)
            return true;
        told_attempt& row = rows[{r.item, r.attempt}];
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
    std::vector<told_attempt> out;
    for (auto& [key, row] : rows)
        out.push_back(std::move(row));
    return out;
}

json::object attempt_json(const told_attempt& a)
{
    json::object o{{"item", a.item.value()},
                   {"attempt", a.attempt.value()},
                   {"state", a.state == recorded_state::none ? "interrupted" : sv(to_string(a.state))}};
    if (!a.key.empty())
        o["key"] = a.key;
    if (a.started)
        o["started"] = format_time(*a.started);
    if (a.took)
        o["elapsed_ms"] = a.took->count();
    if (!a.data.empty())
        o[a.state == recorded_state::success ? "output" : "error"] = host::recorded_json(a.data);
    return o;
}

/// A position, or a key that attempts were recorded under.
item_index find_item(journal::reader& journal, journal::run_number run, task_index task, const std::string& name)
{
    std::optional<item_index> by_key;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        if (r.kind == record_kind::attempt_started && r.task == task && r.name == name)
            by_key = r.item;
        return !by_key;
    });
    if (by_key)
        return *by_key;
    std::uint32_t position = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), position);
    if (error != std::errc() || end != name.data() + name.size())
        throw usage_error(
            fmt::format("no attempt of an item with the key {} was recorded; give its position from 0, or its "
                        "key as `potoo status RUN TASK` shows it",
                        name));
    return item_index(position);
}

/// What follows of a run is told of, as the API's events are.
std::optional<json::object> event_of(const journal::record& r, const journal::dag_document& dag)
{
    switch (r.kind) {
    case record_kind::run_started:
    case record_kind::run_ended:
    case record_kind::task_evaluated:
    case record_kind::task_ended:
    case record_kind::attempt_started:
    case record_kind::attempt_deferred:
    case record_kind::attempt_resumed:
    case record_kind::attempt_ended:
    case record_kind::retry_scheduled:
    case record_kind::cancel_requested:
    case record_kind::paused:
    case record_kind::resumed:
        break;
    default:
        return std::nullopt;
    }
    json::object out{{"type", sv(to_string(r.kind))}, {"dag", dag.name}, {"at", format_time(r.at)}};
    if (r.task != journal::no_task)
        out["task"] = dag.tasks.at(r.task.value());
    if (r.item != journal::no_item)
        out["item"] = r.item.value();
    if (r.attempt.value() != 0)
        out["attempt"] = r.attempt.value();
    if (r.state != recorded_state::none)
        out["state"] = sv(to_string(r.state));
    if (r.kind == record_kind::task_evaluated)
        out["items"] = r.number;
    if (r.kind == record_kind::attempt_ended && r.state != recorded_state::success && !r.data.empty())
        out["error"] = host::recorded_json(r.data);
    return out;
}

class state_runs final : public run_source
{
  public:
    explicit state_runs(const std::string& state) : state_(state), layout_(state), journal_(open_journal(state)) {}

    run_list runs(const run_wish& wish) override;
    json::object run(const std::string& named) override;
    std::string obstacle(const json::object& run) override;
    json::object task(const std::string& run, const std::string& name) override;
    void logs(const log_wish& wish, const log_visitor& visit) override;
    followed_end follow_logs(const log_wish& wish, const log_visitor& visit,
                             const std::function<void()>& pause) override;
    followed_end follow(const std::string& run, const event_visitor& visit,
                        const std::function<void()>& begun) override;
    std::vector<std::string> tasks(const std::string& run) override;

    std::string command(std::string_view verb, const std::string& run) const override
    {
        return next_command(verb, run, state_);
    }

  private:
    [[nodiscard]] journal::run_row row_of(const std::string& id) { return find_run(*journal_, id, state_); }

    [[nodiscard]] bool engine_alive() const { return journal::state_lock::is_held(layout_); }

    [[nodiscard]] journal::log_filter filter_of(const journal::run_row& run, const journal::dag_document& dag,
                                                const log_wish& wish);

    template <class Look>
    followed_end watch(const journal::run_row& run, Look look, const std::function<void()>& begun = {});

    std::string state_;
    journal::state_layout layout_;
    std::unique_ptr<journal::reader> journal_;
};

run_list state_runs::runs(const run_wish& wish)
{
    journal::run_filter filter;
    filter.unfinished = wish.unfinished;
    filter.dag_name = wish.dag;
    filter.origin_by = wish.by;
    filter.created_after = instant_of(wish.since);
    filter.created_before = instant_of(wish.until);
    if (!wish.state.empty())
        filter.state = parse_state(wish.state);
    filter.limit = wish.limit == 0 ? 0 : wish.limit + 1;
    auto rows = journal_->runs(filter);
    run_list out;
    out.more = wish.limit > 0 && rows.size() > wish.limit;
    if (out.more)
        rows.pop_back();
    const bool alive = engine_alive();
    std::size_t left_behind = 0;
    const auto loose = unconfirmed_by_run(*journal_);
    for (const auto& row : rows) {
        const auto jobs = loose.find(row.number);
        left_behind += !row.ended && !alive ? 1 : 0;
        json::object document = host::run_json(as_shown(*journal_, row));
        if (jobs != loose.end())
            document["unconfirmed"] = jobs->second;
        out.runs.push_back(std::move(document));
    }
    if (left_behind > 0)
        out.notes = fmt::format("{} unfinished, and no engine is at work here: {}\n", left_behind,
                                next_command("resume", {}, state_));
    out.notes += unconfirmed_notes(loose, rows, state_);
    return out;
}

json::object state_runs::run(const std::string& named)
{
    const auto row = as_shown(*journal_, row_of(named));
    json::object document = host::run_json(row);
    json::array rows;
    for (const auto& t : tasks_of(*journal_, row))
        rows.push_back(host::task_json(t));
    document["tasks"] = std::move(rows);
    document["unconfirmed"] =
        host::unconfirmed_json(*journal_, named.empty() ? std::nullopt : std::optional(row.number));
    return document;
}

std::string state_runs::obstacle(const json::object& run)
{
    if (engine_alive())
        return {};
    const std::string id(run.at("run").as_string());
    return "no engine is at work here: " + next_command("resume", id, state_);
}

json::object state_runs::task(const std::string& run, const std::string& name)
{
    const auto row = row_of(run);
    const task_index task = find_task(journal_->dag_of(row.number), name);
    json::object document = host::task_json(tasks_of(*journal_, row).at(task.value()));
    json::array attempts;
    for (const auto& a : attempts_of(*journal_, row.number, task))
        attempts.push_back(attempt_json(a));
    document["attempt_list"] = std::move(attempts);
    return document;
}

std::vector<std::string> state_runs::tasks(const std::string& run)
{
    return journal_->dag_of(row_of(run).number).tasks;
}

journal::log_filter state_runs::filter_of(const journal::run_row& run, const journal::dag_document& dag,
                                          const log_wish& wish)
{
    journal::log_filter filter;
    filter.run = run.number;
    if (!wish.task.empty())
        filter.task = find_task(dag, wish.task);
    if (!wish.item.empty()) {
        filter.item = find_item(*journal_, run.number, filter.task.value(), wish.item);
        const journal::task_row row = journal_->tasks(run.number).at(filter.task->value());
        check_item(host::task_json(row), *filter.item, command("status", run.id.value() + ' ' + shell_word(row.name)));
    }
    if (wish.attempt > 0)
        filter.attempt = attempt_number(wish.attempt);
    return filter;
}

log_piece piece_of(const journal::log_chunk& c, const journal::dag_document& dag)
{
    return {dag.tasks.at(c.task.value()), c.item, c.attempt, c.text};
}

void state_runs::logs(const log_wish& wish, const log_visitor& visit)
{
    const auto run = row_of(wish.run);
    const auto dag = journal_->dag_of(run.number);
    journal_->logs(filter_of(run, dag, wish),
                   [&](std::uint64_t, const journal::log_chunk& c) { return visit(piece_of(c, dag)); });
}

/// Looks again and again, until the run has ended, no engine is at work on it, or a signal has come.
/// @param look reads what is new; false = that is enough
template <class Look>
followed_end state_runs::watch(const journal::run_row& run, Look look, const std::function<void()>& begun)
{
    stop_wait waiting;
    if (begun)
        begun();
    journal::run_filter same;
    same.id_prefix = run.id.value();
    for (;;) {
        // Asked before reading, so that what was written until then is read once more.
        const bool alive = engine_alive();
        const auto now = journal_->runs(same);
        const bool ended = now.empty() || now.front().ended;
        const bool enough = !look();
        if (ended)
            return {true, std::string(to_string(now.empty() ? run.state : now.front().state)), 0};
        if (enough || !alive || waiting.signal() != 0)
            return {false, {}, waiting.signal()};
        waiting.wait(look_again);
    }
}

followed_end state_runs::follow_logs(const log_wish& wish, const log_visitor& visit, const std::function<void()>& pause)
{
    const auto run = row_of(wish.run);
    const auto dag = journal_->dag_of(run.number);
    journal::log_filter filter = filter_of(run, dag, wish);
    return watch(run, [&] {
        bool more = true;
        journal_->logs(filter, [&](std::uint64_t position, const journal::log_chunk& c) {
            filter.after = position;
            more = visit(piece_of(c, dag));
            return more;
        });
        pause();
        return more && !reader_has_gone();
    });
}

followed_end state_runs::follow(const std::string& run_id, const event_visitor& visit,
                                const std::function<void()>& begun)
{
    const auto run = row_of(run_id);
    const auto dag = journal_->dag_of(run.number);
    journal::record_seq next(journal_->last_seq().value() + 1);
    const auto look = [&] {
        std::vector<json::object> events;
        journal_->records(run.number, next, [&](journal::record_seq seq, const journal::record& r) {
            next = journal::record_seq(seq.value() + 1);
            if (auto event = event_of(r, dag)) {
                (*event)["seq"] = seq.value();
                (*event)["run"] = run.id.value();
                events.push_back(std::move(*event));
            }
            return true;
        });
        for (const json::object& e : events)
            visit(e);
        return !reader_has_gone();
    };
    return watch(run, look, begun);
}

} // namespace

std::unique_ptr<run_source> open_state_runs(const std::string& state)
{
    return std::make_unique<state_runs>(state);
}

} // namespace potoo::cli
