// What is asked of an engine from outside while it runs.

#include "engine/host/host_parts.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/runtime/attempt_result.hpp"

#include <fmt/format.h>

namespace potoo::host {

using result_kind = request_result::kind;

namespace {

bool has_ended(const schedule::run_machine& m, task_index t)
{
    return schedule::is_terminal(m.state_of(t));
}

bool is_cancelled(const schedule::run_machine& m, task_index t)
{
    return m.cancel_reason_of(t) != cancel_reason::none;
}

/// The machine knows, so it is in the journal's line.
bool is_taken(const schedule::run_machine& m, const std::vector<task_index>& tasks)
{
    if (tasks.empty())
        return m.cancelled_by() != cancel_reason::none || schedule::is_terminal(m.state());
    return std::all_of(tasks.begin(), tasks.end(), [&](task_index t) { return has_ended(m, t) || is_cancelled(m, t); });
}

/// What the machine knows before anything is asked.
request_result judge(const runtime::run_executor& e, const std::vector<task_index>& tasks)
{
    const schedule::run_machine& m = e.machine();
    if (schedule::is_terminal(m.state()))
        return host::has_ended(e.id(), to_string(m.state()));
    if (!is_taken(m, tasks))
        return {result_kind::accepted, e.id(), {}, {}, true};
    if (!tasks.empty() && std::all_of(tasks.begin(), tasks.end(), [&](task_index t) { return has_ended(m, t); })) {
        const std::string state(to_string(m.state_of(tasks.front())));
        return {result_kind::ended, e.id(), state,
                tasks.size() == 1 ? fmt::format("task {} has ended ({})", e.dag()[tasks.front()].name, state)
                                  : "these tasks have all ended"};
    }
    return {result_kind::repeated, e.id(), {}, "it was asked for before", true};
}

} // namespace

task<> engine_host::record(std::vector<journal::record> records)
{
    for (journal::record& r : records)
        parts_->log.append(std::move(r));
    co_await parts_->log.reached(parts_->log.last());
}

task<std::optional<request_result>> engine_host::cancel_carried(run_id id, std::vector<std::string> tasks)
{
    active_run* r = parts_->find(id);
    std::vector<task_index> indexes;
    if (auto wrong = find_tasks(id, r->executor->dag().name, task_names(r->executor->dag()), tasks, indexes))
        co_return wrong;
    const request_result answer = judge(*r->executor, indexes);
    if (answer.what == result_kind::ended)
        co_return answer;
    if (answer.what == result_kind::accepted && indexes.empty())
        r->executor->cancel(cancel_reason::user);
    if (answer.what == result_kind::accepted) {
        for (const task_index t : indexes)
            r->executor->cancel(t);
    }
    // It is taken up after what the run was told before.
    for (r = parts_->find(id); takes_requests(r) && !is_taken(r->executor->machine(), indexes); r = parts_->find(id))
        co_await yield_now();
    if (!takes_requests(r))
        co_return std::nullopt;
    co_await parts_->log.reached(parts_->log.last());
    co_return answer;
}

/// @return nothing when the journal is to be asked: the run is not, or no longer, one that takes requests
task<std::optional<request_result>> engine_host::ask_carried(run_id id, const run_ask& what)
{
    active_run* r = parts_->find(id);
    if (!takes_requests(r))
        co_return std::nullopt;
    if (r->executor) {
        auto answer = co_await what.carried(std::move(id));
        co_return answer;
    }
    // A run that is being resumed reads the journal later: the request is kept there, not in memory.
    request_result not_recorded;
    if (run_named(parts_->reading, id.value(), not_recorded))
        co_return std::nullopt;
    co_return what.young ? what.young(*r) : not_begun(id);
}

task<request_result> engine_host::ask(std::string run, run_ask what)
{
    if (parts_->broken)
        throw journal::store_error(*parts_->broken);
    // One that has just begun may not be in the journal yet.
    const active_run* young = nullptr;
    for (const active_run& r : parts_->runs) {
        if (!r.reconciles && !run.empty() && r.id.value().starts_with(run))
            young = &r;
    }
    request_result problem;
    auto row = run_named(parts_->reading, run, problem);
    if (!row && !(young && problem.what == result_kind::unknown && problem.text.starts_with("there is no")))
        co_return problem;
    const run_id id = row ? row->id : young->id;
    auto carried = co_await ask_carried(id, what);
    if (carried)
        co_return *carried;
    co_await parts_->uncarried.acquire();
    const slot_guard alone(parts_->uncarried);
    // It may be carried by now, or not any more.
    carried = co_await ask_carried(id, what);
    if (carried)
        co_return *carried;
    co_await parts_->log.reached(parts_->log.last());
    row = run_named(parts_->reading, id.value(), problem);
    if (!row)
        co_return problem;
    if (what.refuse) {
        if (auto refusal = what.refuse(*row))
            co_return *refusal;
    }
    std::function<journal_request(journal::reader&)> look = [judge = what.uncarried, row = *row,
                                                             now = parts_->loop.wall_now()](journal::reader& journal) {
        return judge(journal, row, now);
    };
    journal_request request = co_await parts_->desk.look(std::move(look));
    // Old runs are removed at any time.
    if (!run_named(parts_->reading, id.value(), problem))
        co_return problem;
    co_await record(std::move(request.records));
    hand_over(request.result);
    co_return request.result;
}

/// What is in the journal now is done by whoever carries runs here, if there is somebody.
void engine_host::hand_over(request_result& asked)
{
    const bool is_taken = asked.what == result_kind::accepted || asked.what == result_kind::repeated;
    if (!is_taken || !parts_->carry_hook || parts_->find(asked.run))
        return;
    request_result not_recorded;
    auto row = run_named(parts_->reading, asked.run.value(), not_recorded);
    if (row && row->id == asked.run && !row->ended)
        asked.carried = parts_->carry_hook(std::move(*row));
}

task<request_result> engine_host::cancel_on_request(std::string run, std::vector<std::string> tasks)
{
    run_ask what;
    what.carried = [this, tasks](run_id id) { return cancel_carried(std::move(id), tasks); };
    what.young = [some = !tasks.empty()](active_run& r) -> request_result {
        if (some)
            return {result_kind::unknown, r.id, {}, "the run has not begun yet; try again"};
        r.stop = cancel_reason::user;
        return {result_kind::accepted, r.id, {}, {}, true};
    };
    what.uncarried = [tasks](journal::reader& journal, const journal::run_row& row, wall_time now) {
        return request_cancel(journal, row, tasks, now);
    };
    auto result = co_await ask(std::move(run), std::move(what));
    co_return result;
}

/// @return nothing when the run is not, or no longer, one that takes requests
task<std::optional<request_result>> engine_host::complete_carried(run_id id, callback_delivery delivered)
{
    using runtime::callback_outcome;
    active_run* r = parts_->find(id);
    if (!takes_requests(r) || !r->executor)
        co_return std::nullopt;
    request_result answer{result_kind::accepted, id, {}, {}, true};
    json::value data = runtime::parse_recorded(delivered.data);
    // As it is recorded, so that it can be told from another answer.
    r->executor->mask().clean(data);
    delivered.data = json::serialize(data);
    switch (r->executor->complete_callback(delivered.token, delivered.success, std::move(data))) {
    case callback_outcome::heard:
    case callback_outcome::completed:
        break;
    case callback_outcome::already_completed:
        answer.what = result_kind::repeated;
        break;
    case callback_outcome::attempt_ended:
        answer = {result_kind::ended, id, {}, "the attempt that waited for it has ended"};
        break;
    case callback_outcome::unknown:
        answer = no_such_callback();
        break;
    }
    co_await committed();
    if (answer.what != result_kind::ended && answer.what != result_kind::repeated)
        co_return answer;
    // The attempt may have ended for that it was completed.
    request_result not_recorded;
    const auto row = run_named(parts_->reading, id.value(), not_recorded);
    if (!row)
        co_return answer;
    std::function<std::optional<callback_delivery>(journal::reader&)> look =
        [run = row->number, token = delivered.token](journal::reader& journal) {
            return answer_of(journal, run, token);
        };
    const auto before = co_await parts_->desk.look(std::move(look));
    if (before) {
        answer = answer_again(id, *before, delivered);
        answer.carried = true;
    }
    co_return answer;
}

task<request_result> engine_host::complete_on_request(callback_delivery delivered)
{
    if (parts_->broken)
        throw journal::store_error(*parts_->broken);
    const run_id id = run_of(delivered.token);
    auto carried = co_await complete_carried(id, delivered);
    if (carried)
        co_return *carried;
    // Whoever has no token of the run keeps nobody else from it.
    const auto standing = co_await look_for_callback(delivered.token);
    if (standing == callback_standing::unknown)
        co_return no_such_callback();
    co_await parts_->uncarried.acquire();
    const slot_guard alone(parts_->uncarried);
    carried = co_await complete_carried(id, delivered);
    if (carried)
        co_return *carried;
    co_await parts_->log.reached(parts_->log.last());
    request_result problem;
    const auto row = find_callback_run(parts_->reading, delivered.token, problem);
    if (!row)
        co_return problem;
    std::function<journal_request(journal::reader&)> look = [row = *row, delivered,
                                                             now = parts_->loop.wall_now()](journal::reader& journal) {
        return request_completion(journal, row, delivered, now);
    };
    journal_request request = co_await parts_->desk.look(std::move(look));
    if (!run_named(parts_->reading, id.value(), problem))
        co_return problem;
    co_await record(std::move(request.records));
    co_return request.result;
}

void engine_host::keep(journal::retention rules)
{
    parts_->rules = std::move(rules);
    parts_->collect();
}

namespace {

/// Between the writer's thread and who waits on the loop.
struct collection
{
    counter ended;
    journal::prune_result result;
};

} // namespace

task<journal::pruned> engine_host::collect(journal::retention rules)
{
    const auto c = std::make_shared<collection>();
    parts_->log.prune(std::move(rules), parts_->loop.wall_now(), [c](const journal::prune_result& r) {
        c->result = r;
        c->ended.increment();
    });
    co_await c->ended.reached(1);
    if (c->result.error)
        throw journal::store_error(*c->result.error);
    co_return c->result.removed;
}

void engine_host::parts::collect()
{
    const bool going = *self == nullptr;
    if (going || (!rules.keep_runs && !rules.keep_for))
        return;
    if (collecting) {
        collect_again = true;
        return;
    }
    collecting = true;
    log.prune(rules, loop.wall_now(), [alive = self](const journal::prune_result& r) {
        if (!*alive)
            return;
        parts& me = **alive;
        if (r.error)
            me.warn(fmt::format("old runs could not be removed: {}", r.error->what()));
        me.collecting = false;
        me.collections.increment();
        if (std::exchange(me.collect_again, false))
            me.collect();
    });
}

task<> engine_host::collected()
{
    while (parts_->collecting)
        co_await parts_->collections.reached(parts_->collections.value() + 1);
}

} // namespace potoo::host
