#include "engine/host/host.hpp"

#include "engine/graph/params.hpp"
#include "engine/host/host_parts.hpp"
#include "engine/host/journal_requests.hpp"
#include "engine/host/recorded_dag.hpp"
#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/secret_resolver.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <stdexcept>

namespace potoo::host {

using runtime::run_executor;

namespace {

/// Of the reasons to stop, those of the engine itself let go of a run instead of ending it.
void stop(run_executor& e, cancel_reason reason)
{
    if (reason == cancel_reason::shutdown || reason == cancel_reason::lost_lease)
        e.detach();
    else
        e.cancel(reason == cancel_reason::deadline ? reason : cancel_reason::user);
}

void stop(active_run& r, cancel_reason reason)
{
    if (r.executor) {
        stop(*r.executor, reason);
        return;
    }
    r.stop = reason;
    r.stops->increment();
}

} // namespace

/// Keeps a run on the list however its coroutine ends.
class engine_host::presence
{
  public:
    presence(parts& p, run_id id, std::string dag_name, runtime::run_observer& o, bool reconciles = false)
        : parts_(p), place_(p.runs.insert(p.runs.end(), {std::move(id), std::move(dag_name), &o, reconciles}))
    {}

    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;

    ~presence()
    {
        parts_.runs.erase(place_);
        parts_.runs_left.increment();
        parts_.collect();
    }

    /// Whether it has ended: it may have been reopened.
    void refresh(bool reconciles) { place_->reconciles = reconciles; }

    /// Counts how often it was told to stop before it was under way.
    [[nodiscard]] counter& stops() const { return *place_->stops; }

    void belongs_to_replay(const runtime::run_origin& o) { place_->replayed = o.by == "replay"; }

    /// It is under way, and hears what was said to it before.
    void begun(run_executor& e)
    {
        place_->executor = &e;
        if (place_->stop != cancel_reason::none)
            stop(e, place_->stop);
    }

  private:
    parts& parts_;
    std::list<active_run>::iterator place_;
};

engine_host::engine_host(host_ports ports) : parts_(std::make_unique<parts>(ports)) {}

engine_host::~engine_host() = default;

potoo::loop& engine_host::loop() noexcept
{
    return parts_->loop;
}

namespace {

task<> wait_for(counter& ended)
{
    co_await ended.reached(1);
}

} // namespace

task<run_outcome> engine_host::carry(run_executor& executor, counter& ended)
{
    cancel_reason reason = cancel_reason::none;
    try {
        co_await ended.reached(1);
    } catch (const cancelled& c) {
        reason = c.reason();
    }
    if (reason != cancel_reason::none) {
        stop(executor, reason);
        co_await shield(wait_for(ended), steady_time::max());
    }
    if (parts_->broken)
        throw journal::store_error(*parts_->broken);
    run_outcome outcome;
    outcome.id = executor.id();
    outcome.state = executor.machine().state();
    outcome.detached = executor.detached();
    outcome.tasks = executor.machine().task_totals();
    outcome.elapsed = std::chrono::floor<duration>(executor.elapsed());
    co_return outcome;
}

task<> engine_host::end_older_runs(std::string dag_name, run_id than)
{
    for (;;) {
        const std::uint64_t left = parts_->runs_left.value();
        bool any = false;
        for (active_run& r : parts_->runs) {
            if (r.id == than)
                break;
            if (r.dag_name != dag_name || r.reconciles || r.replayed)
                continue;
            any = true;
            stop(r, cancel_reason::user);
        }
        if (!any)
            co_return;
        co_await parts_->runs_left.reached(left + 1);
    }
}

task<run_outcome> engine_host::run(std::shared_ptr<const graph::dag> d, json::object params,
                                   runtime::run_observer& observer)
{
    run_request wish{std::move(d), std::move(params)};
    auto outcome = co_await run(std::move(wish), observer);
    co_return outcome;
}

run_id engine_host::make_id()
{
    return *parts_->made.insert(runtime::make_run_id(parts_->entropy)).first;
}

/// @throws std::invalid_argument
void engine_host::refuse_unusable(const run_id& id) const
{
    const std::string& text = id.value();
    if (!runtime::is_usable_run_id(text))
        throw std::invalid_argument(fmt::format(
            "`{}` cannot be the id of a run: it begins with a letter and has at most 24 lower-case letters, "
            "digits and `-`, the last of which is no `-`",
            text.substr(0, 64)));
    request_result not_recorded;
    const auto row = run_named(parts_->reading, text, not_recorded);
    if (parts_->find(id) || (row && row->id == id))
        throw std::invalid_argument(fmt::format("there is a run {} already", text));
}

task<> engine_host::fetch_all_secrets(runtime::run_plan& plan, runtime::secret_mask& mask)
{
    // The run's own first: with these it can stop what it started, whatever is wrong with the configuration.
    plan.secrets = co_await runtime::resolve_secrets(plan.dag->secrets, parts_->processes, mask);
    const auto shared = parts_->outside;
    plan.outside = co_await shared->values();
    plan.outside->conceal(mask);
}

/// A command that takes its time must not keep an engine from stopping.
task<> engine_host::fetch_secrets(runtime::run_plan& plan, runtime::secret_mask& mask, counter& stops)
{
    auto fetching = fetch_all_secrets(plan, mask);
    auto told_to_stop = wait_for(stops);
    const auto first = co_await any(std::move(fetching), std::move(told_to_stop));
    if (first.index() == 1)
        throw runtime::secret_error("secrets had not come when the run was told to stop");
}

void engine_host::share(std::shared_ptr<runtime::outside_source> outside)
{
    parts_->outside = std::move(outside);
}

const std::shared_ptr<runtime::outside_source>& engine_host::shared() const noexcept
{
    return parts_->outside;
}

task<run_outcome> engine_host::run(run_request wish, runtime::run_observer& observer)
{
    if (wish.id.value().empty())
        wish.id = runtime::make_run_id(parts_->entropy);
    else if (parts_->made.erase(wish.id) == 0)
        refuse_unusable(wish.id);
    // From here on the id is taken.
    presence here(*parts_, wish.id, wish.dag->name, observer);
    here.belongs_to_replay(wish.origin);
    if (wish.dag->schedule && wish.dag->schedule->overlap == "cancel_running" && wish.origin.by != "replay")
        co_await end_older_runs(wish.dag->name, wish.id);
    runtime::run_plan plan;
    plan.id = std::move(wish.id);
    runtime::secret_mask mask;
    plan.dag = std::move(wish.dag);
    co_await fetch_secrets(plan, mask, here.stops());
    plan.params = std::move(wish.params);
    plan.origin = std::move(wish.origin);
    plan.created = parts_->loop.wall_now();
    counter ended;
    run_executor executor(parts_->services, std::move(plan), mask, observer);
    executor.start([&ended] { ended.increment(); });
    here.begun(executor);
    auto outcome = co_await carry(executor, ended);
    co_return outcome;
}

task<run_outcome> engine_host::resume(journal::run_row row, runtime::run_observer& observer)
{
    // Two that were told of the same retry, say.
    if (parts_->find(row.id))
        throw std::runtime_error(fmt::format("run {} is under way already", row.id.value()));
    presence here(*parts_, row.id, row.dag_name, observer, row.ended.has_value());
    here.belongs_to_replay(runtime::parse_run_origin(row.origin));
    auto loaded = load_recorded_dag(parts_->reading, row);
    runtime::secret_mask mask;
    runtime::run_plan plan;
    plan.dag = std::move(loaded);
    try {
        co_await fetch_secrets(plan, mask, here.stops());
    } catch (const runtime::secret_error& e) {
        // One that is cancelled starts nothing more; what it has left to stop is noted as unconfirmed.
        if (row.ended || !cancellation_of(parts_->reading, row.number).run)
            throw;
        observer.warning(fmt::format("it is cancelled without its secrets: {}", e.what()));
    }
    plan.id = row.id;
    plan.origin = runtime::parse_run_origin(row.origin);
    plan.params = runtime::parse_recorded(row.params).as_object();
    plan.created = row.created;
    co_await parts_->uncarried.acquire();
    std::optional<slot_guard> begins(std::in_place, parts_->uncarried);
    co_await parts_->log.reached(parts_->log.last());
    request_result not_recorded;
    if (const auto now = run_named(parts_->reading, row.id.value(), not_recorded))
        here.refresh(now->ended.has_value());
    std::vector<journal::record> records;
    parts_->reading.records(row.number, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        records.push_back(r);
        return true;
    });
    counter ended;
    run_executor executor(parts_->services, std::move(plan), mask, observer);
    executor.recover(row.number, records, [&ended] { ended.increment(); });
    records = {};
    here.begun(executor);
    begins.reset();
    auto outcome = co_await carry(executor, ended);
    co_return outcome;
}

std::vector<journal::run_row> engine_host::unfinished() const
{
    journal::run_filter filter;
    filter.unfinished = true;
    return parts_->reading.runs(filter);
}

std::vector<journal::run_row> engine_host::unreconciled() const
{
    journal::run_filter filter;
    filter.unreconciled = true;
    return parts_->reading.runs(filter);
}

std::size_t engine_host::unconfirmed(const run_id& id) const
{
    journal::run_filter filter;
    filter.id_prefix = id.value();
    const auto found = parts_->reading.runs(filter);
    return found.empty() ? 0 : parts_->reading.unconfirmed(found.front().number).size();
}

std::size_t engine_host::cancel(const std::optional<run_id>& id, cancel_reason reason)
{
    std::size_t asked = 0;
    for (active_run& r : parts_->runs) {
        if (id && r.id != *id)
            continue;
        stop(r, reason);
        ++asked;
    }
    return asked;
}

void engine_host::detach_all()
{
    for (const active_run& r : parts_->runs) {
        if (r.executor)
            r.executor->detach();
    }
}

void engine_host::limit_starts(runtime::start_limits limits)
{
    parts_->starts.set_limits(limits);
}

void engine_host::warn(std::string_view text)
{
    parts_->warn(text);
}

task<> engine_host::committed()
{
    // What was asked of a run is recorded in its next turn.
    co_await yield_now();
    co_await parts_->log.reached(parts_->log.last());
}

runtime::ledger& engine_host::ledger() noexcept
{
    return parts_->ledger;
}

void engine_host::when_durable(std::function<void()> hook)
{
    parts_->durable_hooks.push_back(std::move(hook));
}

void engine_host::when_resized(std::function<void(std::string_view, std::uint32_t)> hook)
{
    parts_->resize_hooks.push_back(std::move(hook));
}

void engine_host::when_to_carry(std::function<bool(journal::run_row)> hook)
{
    parts_->carry_hook = std::move(hook);
}

bool engine_host::has_unwritten() const
{
    return !parts_->log.is_durable(parts_->log.last());
}

bool engine_host::write_journal()
{
    return parts_->log.write_next();
}

std::size_t engine_host::close()
{
    return parts_->log.stop();
}

} // namespace potoo::host
