#include "engine/runtime/live_attempt.hpp"

#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

namespace potoo::runtime {
namespace {

void refuse_unusable_property(std::string_view name, const json::value& value)
{
    constexpr std::size_t longest_name = 64;
    constexpr std::size_t largest_value = 4'096;
    constexpr std::size_t deepest_value = 32;
    constexpr std::string_view others = "_-.";
    const auto fits = [&](unsigned char c) {
        return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != others.npos;
    };
    if (name.empty() || name.size() > longest_name || !std::all_of(name.begin(), name.end(), fits))
        throw fatal(
            fmt::format("`{}` cannot be the name of a property: it has 1 to {} letters, digits, `_`, `-` and `.`",
                        name.substr(0, longest_name), longest_name),
            "property");
    const std::string text = recordable_text(value, fmt::format("the property `{}`", name), "property", deepest_value);
    if (const std::size_t size = text.size(); size > largest_value)
        throw fatal(fmt::format("the property `{}` has {} bytes as JSON, and {} are allowed; give what is large as the "
                                "output",
                                name, size, largest_value),
                    "property");
}

} // namespace

live_attempt::live_attempt(run_executor& owner, task_index task, item_index item, attempt_number number,
                           std::vector<journal::record> recorded, std::optional<wall_time> first_started, purpose p)
    : execution(owner.services().loop, &owner.dag()[task].name), owner_(owner), task_(task), item_(item),
      number_(number), purpose_(p), started_(owner.clock().now())
{
    if (!recorded.empty())
        calls().replay(std::move(recorded));
    // A replay goes on with the time that is left.
    if (first_started)
        started_ -= std::max(owner.clock().wall_now() - *first_started, duration{0});
}

live_attempt::~live_attempt()
{
    // Coroutines first: they are destroyed where they wait, and use the rest until then.
    if (parts_ && parts_->clean_up)
        parts_->clean_up->running = {};
    coroutine_ = {};
}

attempt_parts& live_attempt::parts()
{
    if (!parts_)
        parts_ = std::make_unique<attempt_parts>();
    return *parts_;
}

attempt_timer& live_attempt::timer()
{
    auto& t = parts().timer;
    if (!t)
        t = std::make_unique<attempt_timer>(*this);
    return *t;
}

attempt_calls& live_attempt::calls()
{
    auto& c = parts().calls;
    if (!c)
        c = std::make_unique<attempt_calls>(*this);
    return *c;
}

attempt_clean_up& live_attempt::clean_up()
{
    auto& c = parts().clean_up;
    if (!c)
        c = std::make_unique<attempt_clean_up>();
    return *c;
}

void live_attempt::disarm() noexcept
{
    if (parts_ && parts_->timer)
        parts_->timer->disarm();
}

const run_id& live_attempt::run() const noexcept
{
    return owner_.id();
}

std::string_view live_attempt::task_name() const noexcept
{
    return owner_.dag()[task_].name;
}

steady_time live_attempt::deadline() const noexcept
{
    if (is_reconciliation())
        return steady_time::max();
    const auto& timeout = owner_.dag()[task_].timeout;
    return timeout ? std::min(owner_.deadline(), started_ + *timeout) : owner_.deadline();
}

void live_attempt::render()
{
    const prepared_task& prepared = owner_.prepared(task_);
    const bool same_input = prepared.has_one_input();
    const bool same_variables = prepared.has_one_environment();
    if (same_input && same_variables)
        return;
    const attempt_names all = names();
    auto own = std::make_unique<attempt_settings>();
    if (!same_input)
        own->input = prepared.render_input(all);
    if (!same_variables)
        own->variables = prepared.render_environment(all);
    parts().settings = std::move(own);
}

const json::object& live_attempt::input() const noexcept
{
    const bool own = parts_ && parts_->settings && parts_->settings->input;
    return own ? *parts_->settings->input : owner_.prepared(task_).input();
}

std::span<const std::pair<std::string, std::string>> live_attempt::environment() const noexcept
{
    const bool own = parts_ && parts_->settings && parts_->settings->variables;
    return own ? *parts_->settings->variables : owner_.prepared(task_).variables();
}

launch_token live_attempt::token() const
{
    return make_launch_token(owner_.id(), owner_.dag()[task_].name, owner_.values().item_name(task_, item_), number_);
}

launch_token live_attempt::group_token() const
{
    return make_group_token(owner_.id(), owner_.dag()[task_].name, number_);
}

void live_attempt::conceal(std::string secret)
{
    owner_.conceal(std::move(secret));
}

attempt_names live_attempt::names() const
{
    std::optional<attempt_names::of_item> item;
    if (owner_.dag()[task_].foreach)
        item.emplace(item_, owner_.values().item(task_, item_));
    return attempt_names(owner_.names(), number_, [this] { return token(); }, item);
}

void live_attempt::start()
{
    const auto& spec = owner_.dag()[task_];
    const bool in_time = !is_reconciliation();
    try {
        render();
        if (in_time && spec.timeout && stop_ == cancel_reason::none)
            timer().arm(started_ + *spec.timeout);
        coroutine_ = owner_.prepared(task_).op().run(*this);
        if (!coroutine_)
            throw fatal("the operator returned no coroutine");
    } catch (...) {
        conclude(result_of(std::current_exception(), cancel_reason::none, false));
        return;
    }
    task_access<json::value>::start(coroutine_, *this);
}

void live_attempt::stop(cancel_reason reason)
{
    if (stop_is_held() && detaches(reason)) {
        stop_ = reason;
        timed_out_ = false;
        deliver_stop();
        return;
    }
    if (stop_ != cancel_reason::none)
        return;
    stop_ = reason;
    stop_once_arrived();
}

void live_attempt::prepare_to_stop(cancel_reason reason)
{
    if (stop_ != cancel_reason::none)
        return;
    stop_ = reason;
    stop_unrecorded_ = true;
    disarm();
}

void live_attempt::go_on_to_stop()
{
    if (std::exchange(stop_unrecorded_, false) && stop_is_held())
        stop_once_arrived();
}

void live_attempt::stop_once_arrived()
{
    if (arrived() || detaches(stop_) || operator_ended_)
        deliver_stop();
    else
        timer().arm(loop().now() + longest_replay);
}

void live_attempt::deliver_stop() noexcept
{
    disarm();
    cancel(stop_);
    if (parts_ && parts_->calls)
        parts_->calls->stop_is_delivered();
}

void live_attempt::deliver_stop_if_arrived() noexcept
{
    if (stop_is_held() && !stop_unrecorded_ && arrived())
        deliver_stop();
}

void live_attempt::time_is_up()
{
    if (stop_ != cancel_reason::none) {
        deliver_stop();
        return;
    }
    timed_out_ = true;
    stop(cancel_reason::deadline);
}

void live_attempt::on_end() noexcept
{
    if (operator_ended_) {
        conclude(std::move(clean_up().result));
        return;
    }
    operator_ended_ = true;
    disarm();
    attempt_result r = take_outcome();
    if (!must_clean_up(r)) {
        conclude(std::move(r));
        return;
    }
    attempt_clean_up& c = clean_up();
    c.result = std::move(r);
    c.running = shield(run_handlers(), loop().now() + grace_of_handlers);
    task_access<void>::start(c.running, *this);
}

attempt_result live_attempt::take_outcome() noexcept
{
    auto& outcome = task_access<json::value>::result(coroutine_);
    if (auto e = outcome.error())
        return result_of(e, stop_, timed_out_);
    return {schedule::attempt_outcome::success, outcome.take(), {}};
}

bool live_attempt::must_clean_up(const attempt_result& r) const noexcept
{
    const bool has_handlers = parts_ && parts_->clean_up && !parts_->clean_up->handlers.empty();
    return has_handlers && stop_ != cancel_reason::none && !detaches(stop_) && !r.is_by_itself();
}

void live_attempt::on_cancel(task<> handler)
{
    if (!handler)
        throw std::invalid_argument("on_cancel was given an empty task");
    attempt_clean_up& c = clean_up();
    c.handlers.push_back(std::move(handler));
    ++c.handlers_given;
}

task<> live_attempt::run_handlers()
{
    branch& here = co_await this_branch();
    if (stop_unrecorded_)
        co_await calls().let_go().reached(1);
    std::vector<task<>>& handlers = clean_up().handlers;
    while (!handlers.empty()) {
        task<> handler = std::move(handlers.back());
        handlers.pop_back();
        std::string trouble;
        try {
            co_await std::move(handler);
        } catch (const cancelled& c) {
            // Of the grace period's end is told below.
            if (here.cancel_requested() == cancel_reason::none)
                trouble = fmt::format("stopped ({})", to_string(c.reason()));
        } catch (const std::exception& e) {
            trouble = e.what();
        } catch (...) {
            trouble = "something was thrown that is no std::exception";
        }
        if (!trouble.empty())
            mark_unconfirmed("the clean-up failed: " + trouble);
    }
    if (here.cancel_requested() != cancel_reason::none)
        mark_unconfirmed("the clean-up did not end within " + format_duration(grace_of_handlers));
}

void live_attempt::check_arrival(attempt_result& r)
{
    attempt_replay* known = records();
    if (!known || detaches(stop_))
        return;
    if (known->has_unclaimed_launch())
        mark_unconfirmed(
            fmt::format("the job {} was launched, and the attempt ended without looking after it", token().value()));
    const journal::record* left = known->next_call({});
    if (stop_ != cancel_reason::none && !left)
        left = known->left_at_or_below({});
    const std::string missed =
        left ? fmt::format("it ended before its call {}{}, which was recorded as {}", left->step,
                           left->branch.empty() ? "" : fmt::format(" on the branch {}", left->branch),
                           describe_call(call_kind_of(*left), left->name))
             : std::string("it ended before it came by all that is recorded of it");
    // What it had done behind that point, and would have undone, it did not come by.
    if (stop_ != cancel_reason::none && !r.is_by_itself() && unconfirmed().empty() && !known->arrived())
        mark_unconfirmed("told to stop while it was replayed, " + missed);
    if (!left)
        return;
    if (stop_ == cancel_reason::none && r.is_by_itself())
        r = failed_result(failure_class::fatal,
                          "the operator has changed: " + missed + "; retry the task to run it from the start",
                          "operator_changed");
    else
        log("not all of the replay: " + missed);
}

void live_attempt::conclude(attempt_result&& r)
{
    disarm();
    operator_ended_ = true;
    check_arrival(r);
    finish_log();
    if (!unconfirmed().empty() && r.outcome != schedule::attempt_outcome::success)
        r.error["remote"] = "unconfirmed";
    owner_.attempt_has_ended(*this, std::move(r));
}

void live_attempt::finish_log()
{
    if (!parts_ || !parts_->log)
        return;
    attempt_log& own = *parts_->log;
    for (const auto stream : {journal::log_stream::out, journal::log_stream::err}) {
        if (std::string rest = own.lines(stream).take_rest(); !rest.empty())
            add_log(stream, std::move(rest));
    }
    if (own.dropped() > 0)
        owner_.add_log(*this, journal::log_stream::engine,
                       fmt::format("{} more bytes of log were not kept (the limit is {} bytes, less when the journal "
                                   "cannot keep up)\n",
                                   own.dropped(), attempt_log::max_size));
}

std::optional<value_template> live_attempt::late(std::string_view property) const
{
    return owner_.prepared(task_).late(property);
}

const json::object* live_attempt::connection(std::string_view name)
{
    return owner_.connection(name);
}

http_client& live_attempt::http() noexcept
{
    return owner_.services().http;
}

process_runner& live_attempt::processes() noexcept
{
    return owner_.services().processes;
}

attempt_log& live_attempt::log_part()
{
    auto& l = parts().log;
    if (!l)
        l = std::make_unique<attempt_log>();
    return *l;
}

void live_attempt::add_log(journal::log_stream stream, std::string text)
{
    if (log_part().admit(text.size(), owner_.services().log.over_limit()))
        owner_.add_log(*this, stream, std::move(text));
}

void live_attempt::log(std::string_view line)
{
    add_log(journal::log_stream::engine, std::string(line) + "\n");
}

void live_attempt::log_output(output_stream stream, std::string_view piece)
{
    const auto where = stream == output_stream::standard_error ? journal::log_stream::err : journal::log_stream::out;
    if (std::string whole = log_part().lines(where).add(piece); !whole.empty())
        add_log(where, std::move(whole));
}

void live_attempt::progress(double fraction, std::string_view message)
{
    if (std::isnan(fraction))
        log(fmt::format("progress that is no number was not told: {}", message));
    else if (!is_reconciliation())
        owner_.note_progress(*this, std::clamp(fraction, 0.0, 1.0), message);
}

void live_attempt::publish(std::string_view name, json::value value)
{
    refuse_unusable_property(name, value);
    if (!is_reconciliation())
        owner_.note_property(*this, name, std::move(value));
}

void live_attempt::set_deferred(bool deferred)
{
    const bool before = deferrals_ > 0;
    deferrals_ += deferred ? 1 : -1;
    if (before != (deferrals_ > 0))
        owner_.note_deferred(*this, deferred);
}

std::shared_ptr<void>& live_attempt::shared_slot(std::type_index type, const std::string& key)
{
    return owner_.services().shared.slot(type, key);
}

std::shared_ptr<const void>* live_attempt::task_slot(std::type_index type)
{
    const prepared_task& prepared = owner_.prepared(task_);
    return prepared.has_one_input() ? &prepared.slot(type) : nullptr;
}

void live_attempt::mark_unconfirmed(std::string_view why)
{
    std::string& all = clean_up().unconfirmed;
    if (!all.empty())
        all += "; ";
    all += why;
    log(fmt::format("the remote side has not confirmed that the job stopped: {}", why));
}

} // namespace potoo::runtime
