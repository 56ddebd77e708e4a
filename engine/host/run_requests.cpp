// What is asked of a whole run: to pause, to go on, to run once more, to be forgotten.

#include "engine/host/host_parts.hpp"

#include <fmt/format.h>

namespace potoo::host {

using result_kind = request_result::kind;

namespace {

request_result has_remote_jobs(const run_id& id, std::size_t jobs)
{
    return {result_kind::invalid,
            id,
            {},
            fmt::format("run {} has left {} of which nobody has confirmed that nothing runs any more; resume it, which "
                        "sees to that, then ask again",
                        id.value(), jobs == 1 ? "an attempt" : fmt::format("{} attempts", jobs))};
}

} // namespace

task<std::optional<request_result>> engine_host::set_paused_carried(run_id id, bool paused)
{
    active_run* r = parts_->find(id);
    request_result answer{result_kind::accepted, id, {}, {}, true};
    const auto is_taken = [&] { return r->executor->machine().is_paused() == paused; };
    if (schedule::is_terminal(r->executor->machine().state()))
        co_return host::has_ended(id, to_string(r->executor->machine().state()));
    if (r->executor->machine().cancelled_by() != cancel_reason::none)
        co_return being_cancelled(id);
    if (is_taken())
        answer = {result_kind::repeated, id, {}, paused ? "it is paused already" : "it is not paused", true};
    else
        paused ? r->executor->pause() : r->executor->unpause();
    // It is taken up after what the run was told before, which may have ended it.
    for (r = parts_->find(id); takes_requests(r) && !is_taken(); r = parts_->find(id)) {
        if (schedule::is_terminal(r->executor->machine().state()))
            co_return host::has_ended(id, to_string(r->executor->machine().state()));
        co_await yield_now();
    }
    if (!takes_requests(r))
        co_return std::nullopt;
    co_await parts_->log.reached(parts_->log.last());
    co_return answer;
}

task<request_result> engine_host::set_paused_on_request(std::string run, bool paused)
{
    run_ask what;
    what.carried = [this, paused](run_id id) { return set_paused_carried(std::move(id), paused); };
    what.uncarried = [paused](journal::reader& journal, const journal::run_row& row, wall_time now) {
        return request_pause(journal, row, paused, now);
    };
    auto result = co_await ask(std::move(run), std::move(what));
    co_return result;
}

task<request_result> engine_host::pause_on_request(std::string run)
{
    return set_paused_on_request(std::move(run), true);
}

task<request_result> engine_host::unpause_on_request(std::string run)
{
    return set_paused_on_request(std::move(run), false);
}

namespace {

/// How a wish was taken up; shared with the run, which may outlive who asks.
struct reopening_answer
{
    runtime::reopening what{};
    counter given;
};

} // namespace

task<std::optional<request_result>> engine_host::retry_carried(run_id id, retry_wish wish)
{
    active_run* r = parts_->find(id);
    schedule::reopen_wish tasks;
    if (auto wrong = find_tasks(id, r->executor->dag().name, task_names(r->executor->dag()), wish.tasks, tasks.tasks))
        co_return wrong;
    tasks.downstream = wish.downstream;
    tasks.failed_only = wish.failed_only;
    // What it has left behind is in the journal, but for what is on its way there.
    co_await parts_->log.reached(parts_->log.last());
    if (const std::size_t jobs = unconfirmed(id); jobs > 0)
        co_return has_remote_jobs(id, jobs);
    r = parts_->find(id);
    if (!takes_requests(r) || !r->executor)
        co_return std::nullopt;
    const auto answer = std::make_shared<reopening_answer>();
    r->executor->reopen(std::move(tasks), [answer](runtime::reopening what) {
        answer->what = what;
        answer->given.increment();
    });
    co_await answer->given.reached(1);
    switch (answer->what) {
    case runtime::reopening::done:
        break;
    case runtime::reopening::nothing:
        co_return request_result{
            result_kind::repeated, id, {}, "nothing of it has ended that could run once more", true};
    case runtime::reopening::cancelling:
        co_return being_cancelled(id);
    case runtime::reopening::ended:
        // As soon as that is durable it is one that is not carried.
        while (parts_->find(id)) {
            const auto left = parts_->runs_left.value();
            co_await parts_->runs_left.reached(left + 1);
        }
        co_return std::nullopt;
    case runtime::reopening::let_go:
        co_return std::nullopt;
    }
    co_await parts_->log.reached(parts_->log.last());
    co_return request_result{result_kind::accepted, id, {}, {}, true};
}

task<request_result> engine_host::retry_on_request(std::string run, retry_wish wish)
{
    run_ask what;
    what.carried = [this, wish](run_id id) { return retry_carried(std::move(id), wish); };
    what.refuse = [this](const journal::run_row& row) -> std::optional<request_result> {
        if (const std::size_t jobs = parts_->reading.unconfirmed(row.number).size(); jobs > 0)
            return has_remote_jobs(row.id, jobs);
        // What it had left behind has just been looked after.
        if (parts_->find(row.id))
            return not_begun(row.id);
        return std::nullopt;
    };
    what.uncarried = [wish](journal::reader& journal, const journal::run_row& row, wall_time now) {
        return request_retry(journal, row, wish, now);
    };
    auto result = co_await ask(std::move(run), std::move(what));
    co_return result;
}

task<request_result> engine_host::remove_on_request(std::string run)
{
    if (parts_->broken)
        throw journal::store_error(*parts_->broken);
    request_result problem;
    const auto named = run_named(parts_->reading, run, problem);
    if (!named)
        co_return problem;
    const run_id id = named->id;
    // A run whose end is durable is let go of in a moment.
    for (const active_run* r = parts_->find(id);
         r && !r->reconciles && r->executor && is_terminal(r->executor->machine().state()); r = parts_->find(id)) {
        const std::uint64_t left = parts_->runs_left.value();
        co_await parts_->runs_left.reached(left + 1);
    }
    // Nobody begins to carry it meanwhile.
    co_await parts_->uncarried.acquire();
    const slot_guard alone(parts_->uncarried);
    co_await parts_->log.reached(parts_->log.last());
    const auto row = run_named(parts_->reading, id.value(), problem);
    if (!row)
        co_return problem;
    if (parts_->find(id) || !row->ended)
        co_return request_result{result_kind::invalid,
                                 id,
                                 {},
                                 fmt::format("run {} has not ended; cancel it first", id.value()),
                                 parts_->find(id) != nullptr};
    if (const std::size_t jobs = parts_->reading.unconfirmed(row->number).size(); jobs > 0)
        co_return has_remote_jobs(id, jobs);
    journal::retention rules;
    rules.only = row->number;
    const auto removed = co_await collect(std::move(rules));
    if (removed.runs == 0)
        co_return request_result{result_kind::unknown, id, {}, fmt::format("there is no run {}", id.value())};
    co_return request_result{result_kind::accepted, id, {}, {}};
}

} // namespace potoo::host
