#include "engine/runtime/run_executor.hpp"

#include "engine/runtime/retry_timer.hpp"
#include "engine/runtime/run_records.hpp"
#include "engine/runtime/stop_timer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;
using journal::recorded_state;
using schedule::attempt_outcome;

run_executor::run_executor(runtime::services& s, run_plan plan, secret_mask& mask, run_observer& observer)
    : services_(s), clock_(s.loop), plan_(std::move(plan)), mask_(mask), observer_(observer), machine_(*plan_.dag),
      values_(*plan_.dag), prepared_(plan_.dag->tasks.size()), attempts_(plan_.dag->tasks.size()),
      not_evaluable_(plan_.dag->tasks.size())
{
    machine_.start_on_request();
    bind_names();
}

run_executor::~run_executor()
{
    // Frames that are destroyed where they wait must not speak to an executor that is half gone.
    detaching_ = true;
    refuse_reopenings();
    attempts_.clear();
    reconciliations_.clear();
    retired_.clear();
    services_.starts.note_in_flight(*this, 0, 0);
    services_.starts.leave(*this);
    services_.pools.leave(*this);
    if (queued())
        services_.loop.unschedule(*this);
    if (armed())
        services_.loop.disarm(*this);
    // Attempts bear the names of the DAG's tasks.
    const std::lock_guard nobody_reads_them(services_.loop.name_is_read);
}

void run_executor::bind_names()
{
    params_value_ = std::move(plan_.params);
    secrets_ = std::move(plan_.secrets);
    run_value_ = run_names(plan_.id, *plan_.dag, plan_.created, plan_.origin);
    names_.set("params", params_value_).set("run", run_value_);
    names_.set_members("tasks", [this](std::string_view name) { return values_.view(name); });
    names_.set_members("secrets", [this](std::string_view name) { return secret(name); });
}

const prepared_task& run_executor::prepared(task_index task)
{
    const prepared_task*& p = prepared_[task.value()];
    if (!p)
        p = &prepare(dag()[task]);
    return *p;
}

const prepared_task& run_executor::prepare(const graph::task_spec& spec)
{
    const json::value given = spec.with.is_constant() ? spec.with.render(names_) : json::value("expressions");
    const bool gives_nothing = given.is_null() || (given.is_object() && given.get_object().empty());
    if (!gives_nothing || !spec.env.empty())
        return prepared_tasks_.emplace_back(spec, services_.operators, names_);
    const prepared_task*& p = bare_[spec.operator_name];
    if (!p)
        p = &prepared_tasks_.emplace_back(spec, services_.operators, names_);
    return *p;
}

const json::object* run_executor::shared_connection(std::string_view name) const
{
    if (!plan_.outside)
        return nullptr;
    const auto found = plan_.outside->connections.find(name);
    return found == plan_.outside->connections.end() ? nullptr : &found->second;
}

/// One that the DAG was checked with may be gone from the configuration since: it is no empty text.
const json::value* run_executor::secret(std::string_view name) const
{
    if (const json::value* own = secrets_.if_contains(name))
        return own;
    const json::value* shared = plan_.outside ? plan_.outside->secrets.if_contains(name) : nullptr;
    if (!shared)
        throw expression_error(
            fmt::format("there is no secret `{}`: neither the DAG nor the configuration says where it is", name), 0);
    return shared;
}

const json::object* run_executor::connection(std::string_view name)
{
    if (const auto known = connections_.find(name); known != connections_.end())
        return &known->second;
    const auto& all = dag().connections;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == name; });
    if (found == all.end())
        return shared_connection(name);
    try {
        return &connections_.emplace(name, settings_of(*found, names_)).first->second;
    } catch (const expression_error& e) {
        throw fatal(fmt::format("connection `{}`: {}", name, e.what()), "expression");
    }
}

journal::position run_executor::append(record&& r)
{
    r.run = number_;
    r.at = clock_.wall_now();
    return services_.log.append(std::move(r));
}

void run_executor::start(std::function<void()> when_ended)
{
    auto document = std::make_shared<journal::dag_document>();
    document->name = dag().name;
    // A resumed run finds its plugins from here, whatever directory it is resumed in.
    document->source_name = std::filesystem::absolute(dag().source_name).lexically_normal().string();
    document->source = dag().source;
    document->hash = dag().hash;
    for (const auto& t : dag().tasks)
        document->tasks.push_back(t.name);
    journal::new_run run;
    run.id = plan_.id;
    run.dag = std::move(document);
    run.params = json::serialize(params_value_);
    run.created = plan_.created;
    if (plan_.origin != run_origin{})
        run.origin = to_json(plan_.origin);
    number_ = services_.log.create_run(std::move(run));
    begin(std::move(when_ended));
    deadline_from_ = plan_.created;
    arm_deadline(deadline_from_);
    caused_by_ = append(task_record(record_kind::run_started, journal::no_task));
    observer_.run_started(*this, false);
    pumping_ = true;
    carry_out(machine_.start());
    pumping_ = false;
    wake();
}

void run_executor::begin(std::function<void()> when_ended)
{
    when_ended_ = std::move(when_ended);
    services_.pools.join(*this, dag().pools);
    started_ = services_.loop.now();
}

void run_executor::arm_deadline(wall_time started)
{
    if (!dag().deadline)
        return;
    const auto left = started + *dag().deadline - services_.loop.wall_now();
    deadline_ = services_.loop.now() + std::max(left, duration{0});
    services_.loop.arm(*this, deadline_);
}

void run_executor::on_due()
{
    cancel(cancel_reason::deadline);
}

void run_executor::cancel(cancel_reason reason)
{
    if (ended_ || detaching_ || schedule::is_terminal(machine_.state()))
        return;
    record r = task_record(record_kind::cancel_requested, journal::no_task);
    r.name = to_string(reason);
    enqueue(schedule::cancel_requested{reason}, std::move(r));
}

void run_executor::cancel(task_index task)
{
    const schedule::task_state state = machine_.state_of(task);
    if (ended_ || detaching_ || schedule::is_terminal(state))
        return;
    record r = task_record(record_kind::cancel_requested, task);
    r.name = to_string(cancel_reason::user);
    enqueue(schedule::task_cancel_requested{task}, std::move(r));
}

callback_outcome run_executor::complete_callback(std::string_view token, bool success, json::value data)
{
    const callback_book::entry* e = callbacks_.find(token);
    if (!e)
        return callbacks_.forgotten(token);
    if (e->completed.value() != 0)
        return callback_outcome::already_completed;
    if (ended_ || !is_under_way(e->task, e->item, e->attempt))
        return callback_outcome::attempt_ended;
    mask_.clean(data);
    record r = attempt_record(record_kind::callback_completed, e->task, e->item, e->attempt);
    r.branch = e->branch;
    r.step = e->step;
    r.name = e->name;
    r.state = success ? recorded_state::success : recorded_state::failed;
    r.data = recordable_text(data, fmt::format("the answer to the callback `{}`", e->name));
    callbacks_.complete(r, append(record(r)));
    return callback_outcome::completed;
}

callback_outcome run_executor::hear_of_callback(std::string_view token, std::optional<double> fraction,
                                                std::string_view message)
{
    callback_book::entry* e = callbacks_.find(token);
    if (!e)
        return callbacks_.forgotten(token);
    if (e->completed.value() != 0)
        return callback_outcome::already_completed;
    live_attempt* a = attempts_.find(e->task, e->item);
    if (ended_ || !is_under_way(e->task, e->item, e->attempt))
        return callback_outcome::attempt_ended;
    e->heard = services_.loop.now();
    e->fraction = fraction ? std::clamp(*fraction, 0.0, 1.0) : e->fraction;
    if (a && (fraction || !message.empty()))
        note_progress(*a, e->fraction, mask_.clean(std::string(message)));
    return callback_outcome::heard;
}

bool run_executor::is_under_way(task_index t, item_index i, attempt_number n) const
{
    // A task that was reopened has no items until they are known again.
    return i.value() < machine_.item_count(t) && schedule::is_in_flight(machine_.state_of(t, i)) &&
           machine_.attempt_of(t, i) == n;
}

void run_executor::detach()
{
    if (ended_ || detaching_)
        return;
    detaching_ = true;
    // They have lost nothing: the next start begins them again.
    for (auto& [key, r] : reconciliations_)
        retired_.push_back(std::move(r.attempt));
    reconciliations_.clear();
    unconfirmed_.clear();
    retries_.clear();
    starts_.clear();
    services_.starts.leave(*this);
    stops_.clear();
    stop_timer_.reset();
    refuse_reopenings();
    if (armed())
        services_.loop.disarm(*this);
    attempts_.for_each([](live_attempt& a) { a.stop(cancel_reason::shutdown); });
    wake();
}

void run_executor::enqueue(schedule::event e, record&& r)
{
    enqueue(std::make_unique<pending_event>(e, std::move(r)));
}

void run_executor::enqueue(std::unique_ptr<pending_event> e)
{
    events_.push_back(std::move(e));
    wake();
}

void run_executor::wake()
{
    if (!pumping_)
        services_.loop.schedule(*this);
}

void run_executor::on_ready()
{
    pump();
}

void run_executor::durable(journal::position p)
{
    if ((!starts_.empty() && starts_.front().after <= p) || (!stops_.empty() && stops_.front().after <= p))
        wake();
    // It starts nothing while too much is not durable.
    if (machine_.may_start() && starts_.size() < most_pending_starts)
        wake();
    if ((end_position_ != 0 && end_position_ <= p) || (confirmed_position_ != 0 && confirmed_position_ <= p))
        wake();
}

void run_executor::pump()
{
    pumping_ = true;
    clock_.hold();
    bool more_to_admit = false;
    // A part of what there is, so that they do not gather faster than they are taken.
    std::size_t left = std::max(starts_a_turn * 4, events_.size() / 4);
    while (!events_.empty() && left-- > 0) {
        const std::unique_ptr<pending_event> e = std::move(events_.front());
        events_.pop_front();
        take_event(*e);
    }
    if (!detaching_) {
        take_reopenings();
        stop_what_may_stop();
        more_to_admit = admit_more();
        start_what_may_start();
        start_reconciliations();
    }
    clock_.let_go();
    pumping_ = false;
    retired_.clear();
    const bool may_start = !starts_.empty() && services_.log.is_durable(starts_.front().after);
    if (!events_.empty() || may_start || more_to_admit)
        wake();
    finish_if_done();
}

void run_executor::take_event(pending_event& e)
{
    const bool is_end = e.is_end();
    if (e.remote && (!detaching_ || is_end))
        append(std::move(*e.remote));
    if (detaching_) {
        // What really ended, or was asked for, is remembered, although nothing follows from it now.
        if (is_end || e.record.kind == record_kind::cancel_requested)
            append(std::move(e.record));
        return;
    }
    // An evaluation that was under way when the task was cancelled: nothing is recorded of a run after its end.
    const auto* evaluated = std::get_if<schedule::task_evaluated>(&e.event);
    if (schedule::is_terminal(machine_.state()) || (evaluated && !machine_.is_evaluating(evaluated->task)))
        return;
    attempt_report report;
    report.task = e.record.task;
    report.item = e.record.item;
    report.attempt = e.record.attempt;
    report.elapsed = duration(e.record.number);
    const record_kind kind = e.record.kind;
    append(std::move(e.record));
    const std::span<const schedule::action> actions = machine_.apply(e.event);
    if (is_end)
        take_end(e, report, actions);
    carry_out(actions);
    if (kind == record_kind::paused || kind == record_kind::resumed)
        observer_.run_paused(machine_.is_paused());
    const bool decides_nothing = std::holds_alternative<schedule::attempt_deferred>(e.event) ||
                                 std::holds_alternative<schedule::attempt_resumed>(e.event);
    if (!decides_nothing)
        caused_by_ = services_.log.last();
}

void run_executor::take_end(pending_event& e, attempt_report report, std::span<const schedule::action> actions)
{
    const bool success = e.result.outcome == attempt_outcome::success;
    report.outcome = e.result.outcome;
    report.output = success ? &e.result.output : nullptr;
    report.error = e.result.error.empty() ? nullptr : &e.result.error;
    for (const schedule::action& a : actions) {
        const auto* retry = std::get_if<schedule::arm_retry>(&a);
        if (retry && retry->task == report.task && retry->item == report.item) {
            report.will_retry = true;
            report.retry_delay = retry->delay;
        }
    }
    observer_.attempt_ended(report);
    if (success)
        values_.set_output(report.task, report.item, std::move(e.result.output));
    else
        values_.set_error(report.task, report.item, e.result.error);
}

void run_executor::carry_out(std::span<const schedule::action> actions)
{
    for (const schedule::action& a : actions)
        std::visit([this](const auto& x) { carry_out(x); }, a);
}

void run_executor::carry_out(const schedule::start_attempt& a)
{
    if (!replaying_)
        add_start(a.task, a.item, a.attempt);
}

void run_executor::carry_out(const schedule::arm_retry& a)
{
    if (replaying_)
        return;
    record r = attempt_record(record_kind::retry_scheduled, a.task, a.item, attempt_number(a.attempt.value() - 1));
    r.number = (services_.loop.wall_now() + a.delay).time_since_epoch().count();
    append(std::move(r));
    set_retry_timer(a.task, a.item, a.delay);
}

void run_executor::set_retry_timer(task_index t, item_index i, duration delay)
{
    auto timer = std::make_unique<retry_timer>(*this, t, i, services_.loop.wall_now() + delay);
    services_.loop.arm(*timer, services_.loop.now() + delay);
    retries_.insert_or_assign(key_of(t, i), std::move(timer));
}

void run_executor::carry_out(const schedule::disarm_retry& a)
{
    retries_.erase(key_of(a.task, a.item));
}

void run_executor::carry_out(const schedule::withdraw_attempt&)
{
    withdrawn_ = true;
}

void run_executor::carry_out(const schedule::task_ended& a)
{
    values_.finish(a.task, a.state);
    attempts_.forget(a.task);
    if (replaying_)
        return;
    record_end(a.task, a.state);
}

void run_executor::record_end(task_index task, schedule::task_state state)
{
    record r = task_record(record_kind::task_ended, task);
    r.state = to_recorded(state);
    // The error of an attempt is with the attempt's end; one of `when` or `foreach` has no other place.
    const json::object* error = values_.error(task);
    if (error && not_evaluable_[task.value()])
        r.data = json::serialize(*error);
    append(std::move(r));
    observer_.task_ended(task, state);
}

void run_executor::carry_out(const schedule::run_ended& a)
{
    if (replaying_)
        return;
    record r = task_record(record_kind::run_ended, journal::no_task);
    r.state = to_recorded(a.state);
    end_position_ = append(std::move(r));
}

void run_executor::finish_if_done()
{
    if (ended_)
        return;
    const bool reconciled =
        reconciliations_.empty() && unconfirmed_.empty() && services_.log.is_durable(confirmed_position_);
    const bool end_is_durable = end_position_ != 0 && services_.log.is_durable(end_position_);
    const bool over = (had_ended_ || end_is_durable) && reconciled;
    const bool let_go = detaching_ && attempts_.empty() && events_.empty();
    if (!over && !let_go)
        return;
    ended_ = true;
    if (armed())
        services_.loop.disarm(*this);
    if (!had_ended_)
        observer_.run_ended(*this);
    if (when_ended_)
        when_ended_();
}

void run_executor::add_log(live_attempt& a, journal::log_stream stream, std::string text)
{
    std::string cleaned = mask_.empty() ? std::move(text) : mask_.clean(text);
    observer_.log(a.task_at(), a.item(), a.attempt(), stream, cleaned);
    services_.log.append_log(
        {number_, a.task_at(), a.item(), a.attempt(), stream, services_.loop.wall_now(), std::move(cleaned)});
}

void run_executor::note_deferred(live_attempt& a, bool deferred)
{
    if (detaching_ || ended_)
        return;
    // Set and cleared while the attempt is being torn down, too.
    if (attempts_.find(a.task_at(), a.item()) != &a)
        return;
    const auto kind = deferred ? record_kind::attempt_deferred : record_kind::attempt_resumed;
    record r = attempt_record(kind, a.task_at(), a.item(), a.attempt());
    if (deferred)
        enqueue(schedule::attempt_deferred{a.task_at(), a.item(), !a.has_released_slot()}, std::move(r));
    else
        enqueue(schedule::attempt_resumed{a.task_at(), a.item()}, std::move(r));
    observer_.attempt_deferred(a.task_at(), a.item(), deferred);
}

void run_executor::note_progress(live_attempt& a, double fraction, std::string_view message)
{
    observer_.attempt_progress(a.task_at(), a.item(), fraction, mask_.clean(message));
}

void run_executor::note_property(live_attempt& a, std::string_view name, json::value value)
{
    mask_.clean(value);
    observer_.attempt_property(a.task_at(), a.item(), a.attempt(), name, value);
}

} // namespace potoo::runtime
