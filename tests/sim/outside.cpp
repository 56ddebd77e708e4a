#include "outside.hpp"

#include "engine/host/journal_requests.hpp"

#include <potoo/asio.hpp>

#include <algorithm>
#include <utility>

namespace potoo::sim {
namespace {

constexpr duration patience{500};

} // namespace

outside::outside(world& w, std::function<engine_life*()> reachable, std::function<bool()> engine_there)
    : world_(w), reachable_(std::move(reachable)), engine_there_(std::move(engine_there)),
      random_(w.plan.seed, "outside")
{
    world_.on_callback = [this](const std::string& token, json::value answer) { was_given(token, std::move(answer)); };
}

void outside::plan_ahead()
{
    for (const run_plan& r : world_.plan.runs) {
        if (r.cancelled)
            world_.events.at(beginning + *r.cancelled, [this, &r] { cancel(r, std::nullopt); });
        if (r.task_cancelled)
            world_.events.at(beginning + r.task_cancelled->second, [this, &r] { cancel(r, r.task_cancelled->first); });
        if (r.paused) {
            world_.events.at(beginning + r.paused->first, [this, &r] { set_paused(r, true); });
            world_.events.at(beginning + r.paused->second, [this, &r] { set_paused(r, false); });
        }
        if (r.retries_after_end > 0)
            world_.events.at(beginning + r.starts, [this, &r] { retry_when_ended(r); });
        for (const retry_plan& x : r.retries)
            world_.events.at(beginning + x.at, [this, &r, &x] { retry(r, x); });
    }
}

std::optional<journal::run_row> outside::row_of(const std::string& dag)
{
    for (journal::run_row& row : world_.store.runs({.dag_name = dag}))
        return std::move(row);
    return std::nullopt;
}

void outside::hear(const std::string& what, const std::optional<host::request_result>& answer)
{
    if (!answer)
        return;
    world_.log.note("== the answer to {}: {} {}", what, to_string(answer->what), answer->text);
    if (answer->what == host::request_result::kind::unknown || answer->what == host::request_result::kind::invalid)
        world_.check.report("requests_are_known", what + ": " + answer->text);
}

void outside::cancel(const run_plan& r, std::optional<std::size_t> task)
{
    const auto row = row_of(r.dag.name);
    if (row && row->ended)
        return;
    engine_life* engine = reachable_();
    if (!row || nobody_can(engine)) {
        world_.events.after(patience, [this, &r, task] { cancel(r, task); });
        return;
    }
    const std::string what =
        fmt::format("the cancellation of {}{}", r.dag.name, task ? fmt::format(".t{}", *task) : "");
    world_.log.note("== somebody asks for {}{}", what, engine ? "" : " while no engine runs");
    if (!engine)
        return cancel_without_engine(r, task);
    std::vector<std::string> tasks;
    if (task)
        tasks.push_back(r.dag.tasks[*task].name);
    async_run(
        engine->host().loop(), "cancel", engine->host().cancel_on_request(row->id.value(), std::move(tasks)),
        [this, what, number = row->number, task](std::exception_ptr e, std::optional<host::request_result> answer) {
            if (e)
                return world_.check.report("requests_are_known", what + " failed");
            hear(what, answer);
            // One that is repeated may follow `fail_fast`, which follows from what is recorded.
            const bool holds = answer && answer->what == host::request_result::kind::accepted;
            if (holds && !world_.check.cancel_is_durable(number, task))
                world_.check.report("answer_holds", what + " was accepted, and is not in the journal");
        });
}

void outside::cancel_without_engine(const run_plan& r, std::optional<std::size_t> task)
{
    std::vector<std::string> tasks;
    if (task)
        tasks.push_back(r.dag.tasks[*task].name);
    host::journal_request request = host::request_cancel(world_.store, *row_of(r.dag.name), tasks, world_.wall_now());
    hear("the cancellation of " + r.dag.name, request.result);
    append(std::move(request.records));
}

bool outside::nobody_can(const engine_life* engine)
{
    return engine_there_() ? engine == nullptr : world_.store.full();
}

/// A pause is asked for once; that it ends, until somebody says that it has.
void outside::set_paused(const run_plan& r, bool paused)
{
    const auto row = row_of(r.dag.name);
    if (row && row->ended)
        return;
    if (!paused)
        world_.events.after(duration(30'000), [this, &r] { set_paused(r, false); });
    engine_life* engine = reachable_();
    if (!row || nobody_can(engine))
        return;
    const std::string what = fmt::format("the {} of {}", paused ? "pause" : "end of the pause", r.dag.name);
    world_.log.note("== somebody asks for {}{}", what, engine ? "" : " while no engine runs");
    if (!engine)
        return set_paused_without_engine(r, paused);
    host::engine_host& host = engine->host();
    async_run(
        host.loop(), "pause",
        paused ? host.pause_on_request(row->id.value()) : host.unpause_on_request(row->id.value()),
        [this, what, number = row->number, paused](std::exception_ptr e, std::optional<host::request_result> answer) {
            if (e || !answer)
                return world_.check.report("requests_are_known", what + " failed");
            hear_refusable(what, *answer);
            const bool holds = answer->what == host::request_result::kind::accepted;
            if (holds && !world_.check.pause_is_durable(number, paused))
                world_.check.report("answer_holds", what + " was accepted, and is not in the journal");
        });
}

void outside::set_paused_without_engine(const run_plan& r, bool paused)
{
    host::journal_request request = host::request_pause(world_.store, *row_of(r.dag.name), paused, world_.wall_now());
    hear_refusable("the pause of " + r.dag.name, request.result);
    append(std::move(request.records));
}

/// There may be nothing to do, or it cannot be done just now.
void outside::hear_refusable(const std::string& what, const host::request_result& answer)
{
    world_.log.note("== the answer to {}: {} {}", what, to_string(answer.what), answer.text);
    if (answer.what == host::request_result::kind::unknown)
        world_.check.report("requests_are_known", what + ": " + answer.text);
}

void outside::retry(const run_plan& r, const retry_plan& what)
{
    const auto row = row_of(r.dag.name);
    engine_life* engine = reachable_();
    if (silent_ || !row || nobody_can(engine))
        return;
    host::retry_wish wish;
    if (what.task)
        wish = {{r.dag.tasks[*what.task].name}, true, false};
    world_.log.note("== somebody asks for a retry of {}{}", r.dag.name, engine ? "" : " while no engine runs");
    if (!engine)
        return retry_without_engine(r, wish);
    const std::uint64_t before = world_.check.reopenings(row->number);
    async_run(
        engine->host().loop(), "retry", engine->host().retry_on_request(row->id.value(), std::move(wish)),
        [this, &r, before, number = row->number](std::exception_ptr e, std::optional<host::request_result> answer) {
            if (e || !answer)
                return world_.check.report("requests_are_known", "a retry failed");
            hear_refusable("a retry of " + r.dag.name, *answer);
            if (answer->what != host::request_result::kind::accepted)
                return;
            if (world_.check.reopenings(number) == before)
                world_.check.report("answer_holds", "a retry was accepted, and is not in the journal");
            if (engine_life* there = reachable_(); there && !answer->carried)
                there->resume(*row_of(r.dag.name));
        });
}

bool outside::wants_retry(const run_plan& r)
{
    const auto row = retried_[&r] < r.retries_after_end ? row_of(r.dag.name) : std::nullopt;
    return row && row->ended && row->state != journal::recorded_state::success;
}

bool outside::wants_more()
{
    return std::any_of(world_.plan.runs.begin(), world_.plan.runs.end(),
                       [this](const run_plan& r) { return wants_retry(r); });
}

/// Looks again and again, and asks once for each end.
void outside::retry_when_ended(const run_plan& r)
{
    if (retried_[&r] >= r.retries_after_end || silent_)
        return;
    world_.events.after(random_.any_magnitude(duration(10), duration(60'000)), [this, &r] { retry_when_ended(r); });
    if (!wants_retry(r) || nobody_can(reachable_()))
        return;
    ++retried_[&r];
    retry(r, {});
}

void outside::retry_without_engine(const run_plan& r, const host::retry_wish& wish)
{
    const auto row = *row_of(r.dag.name);
    if (!world_.store.unconfirmed(row.number).empty())
        return;
    host::journal_request request = host::request_retry(world_.store, row, wish, world_.wall_now());
    hear_refusable("a retry of " + r.dag.name, request.result);
    append(std::move(request.records));
}

void outside::append(std::vector<journal::record> records)
{
    journal::batch b;
    b.records = std::move(records);
    world_.store.restore();
    if (!b.empty())
        world_.store.append(b);
    world_.store.cut();
}

/// An attempt has told somebody what it waits for. It may tell again after a restart.
void outside::was_given(const std::string& token, json::value answer)
{
    world_.check.handed_out(token);
    const auto [place, is_new] = callbacks_.emplace(token, callback{std::move(answer), false});
    if (!is_new)
        return;
    world_.events.after(random_.any_magnitude(duration(1), duration(300'000)), [this, token] { deliver(token); });
}

host::callback_delivery outside::delivery_of(const std::string& token) const
{
    return {token, true, json::serialize(callbacks_.at(token).answer)};
}

void outside::deliver(const std::string& token)
{
    callback& c = callbacks_.at(token);
    if (c.answered)
        return;
    // Until somebody says that it has arrived, it is said again.
    world_.events.after(random_.any_magnitude(duration(10), duration(20'000)), [this, token] { deliver(token); });
    engine_life* engine = reachable_();
    if (engine_there_() ? engine == nullptr : world_.store.full())
        return;
    world_.log.note("== somebody answers the callback {}", token);
    if (!engine)
        return deliver_without_engine(token);
    async_run(engine->host().loop(), "complete", engine->host().complete_on_request(delivery_of(token)),
              [this, token](std::exception_ptr e, std::optional<host::request_result> answer) {
                  if (e || !answer)
                      return world_.check.report("requests_are_known", "answering " + token + " failed");
                  hear("the answer of " + token, answer);
                  const bool holds = answer->what == host::request_result::kind::accepted ||
                                     answer->what == host::request_result::kind::repeated;
                  if (holds && !world_.check.callback_is_durable(token))
                      world_.check.report("answer_holds", token + " was answered, and that is not in the journal");
                  // Some people are not sure, and say it twice.
                  callbacks_.at(token).answered = !random_.chance(0.2);
              });
}

void outside::deliver_without_engine(const std::string& token)
{
    host::request_result problem;
    const auto row = host::find_callback_run(world_.store, token, problem);
    if (!row)
        return hear("the answer of " + token, problem);
    host::journal_request request = host::request_completion(world_.store, *row, delivery_of(token), world_.wall_now());
    hear("the answer of " + token, request.result);
    append(std::move(request.records));
    callbacks_.at(token).answered = true;
}

} // namespace potoo::sim
