#include "engine/runtime/live_attempt.hpp"

#include "engine/runtime/launch_name.hpp"
#include "engine/runtime/run_executor.hpp"

#include <potoo/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::runtime {
namespace {

constexpr std::size_t max_log_size = std::size_t{64} << 20;

bool detaches(cancel_reason r) noexcept
{
    return r == cancel_reason::shutdown || r == cancel_reason::lost_lease;
}

} // namespace

live_attempt::live_attempt(run_executor& owner, task_index task, item_index item, attempt_number number,
                           std::vector<journal::record> recorded, std::optional<wall_time> first_started, purpose p)
    : execution(owner.services().loop, owner.interned_name(task)), owner_(owner), task_(task), item_(item),
      number_(number), purpose_(p), started_(owner.services().loop.now())
{
    if (!recorded.empty())
        replay_ = std::make_unique<replay_state>(std::move(recorded));
    // A replay goes on with the time that is left.
    if (first_started)
        started_ -= std::max(owner.services().loop.wall_now() - *first_started, duration{0});
}

live_attempt::~live_attempt()
{
    if (armed())
        loop().disarm(*this);
}

const run_id& live_attempt::run() const noexcept
{
    return owner_.id();
}

std::string_view live_attempt::task_name() const noexcept
{
    return owner_.dag()[task_].name;
}

void live_attempt::render()
{
    const prepared_task& prepared = owner_.prepared(task_);
    const attempt_names all = names();
    input_ = prepared.render_input(all);
    environment_ = prepared.render_environment(all);
}

launch_token live_attempt::token() const
{
    return make_launch_token(owner_.id(), owner_.dag()[task_].name, owner_.values().item_name(task_, item_), number_);
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
        if (in_time)
            deadline_ = owner_.deadline();
        if (in_time && spec.timeout) {
            deadline_ = std::min(deadline_, started_ + *spec.timeout);
            if (stop_ == cancel_reason::none)
                loop().arm(*this, started_ + *spec.timeout);
        }
        coroutine_ = owner_.prepared(task_).op().run(*this);
        if (!coroutine_)
            throw fatal("the operator returned no coroutine");
    } catch (...) {
        result_ = result_of(std::current_exception(), cancel_reason::none, false);
        conclude();
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
    if (armed())
        loop().disarm(*this);
    if (!replay_)
        replay_ = std::make_unique<replay_state>(std::vector<journal::record>());
}

void live_attempt::go_on_to_stop()
{
    if (std::exchange(stop_unrecorded_, false) && stop_is_held())
        stop_once_arrived();
}

void live_attempt::stop_once_arrived()
{
    if (!replay_ || replay_->records.arrived() || detaches(stop_) || operator_ended_)
        deliver_stop();
    else
        loop().arm(*this, loop().now() + longest_replay);
}

void live_attempt::deliver_stop() noexcept
{
    if (armed())
        loop().disarm(*this);
    cancel(stop_);
    if (replay_)
        replay_->let_go.advance_to(1);
}

void live_attempt::deliver_stop_if_arrived() noexcept
{
    if (stop_is_held() && !stop_unrecorded_ && replay_->records.arrived())
        deliver_stop();
}

void live_attempt::on_due()
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
        conclude();
        return;
    }
    operator_ended_ = true;
    if (armed())
        loop().disarm(*this);
    take_outcome();
    if (!must_clean_up()) {
        conclude();
        return;
    }
    clean_up_ = shield(clean_up(), loop().now() + grace_of_handlers);
    task_access<void>::start(clean_up_, *this);
}

void live_attempt::take_outcome() noexcept
{
    auto& outcome = task_access<json::value>::result(coroutine_);
    if (auto e = outcome.error())
        result_ = result_of(e, stop_, timed_out_);
    else
        result_.output = outcome.take();
}

bool live_attempt::must_clean_up() const noexcept
{
    const bool by_itself =
        result_.outcome == schedule::attempt_outcome::success || result_.outcome == schedule::attempt_outcome::skipped;
    return !handlers_.empty() && stop_ != cancel_reason::none && !detaches(stop_) && !by_itself;
}

void live_attempt::on_cancel(task<> handler)
{
    if (!handler)
        throw std::invalid_argument("on_cancel was given an empty task");
    handlers_.push_back(std::move(handler));
    ++handlers_given_;
}

task<> live_attempt::clean_up()
{
    branch& here = co_await this_branch();
    if (stop_unrecorded_)
        co_await replay_->let_go.reached(1);
    while (!handlers_.empty()) {
        task<> handler = std::move(handlers_.back());
        handlers_.pop_back();
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

void live_attempt::check_arrival()
{
    if (!replay_ || detaches(stop_))
        return;
    if (replay_->records.has_unclaimed_launch())
        mark_unconfirmed(
            fmt::format("the job {} was launched, and the attempt ended without looking after it", token().value()));
    const bool by_itself =
        result_.outcome == schedule::attempt_outcome::success || result_.outcome == schedule::attempt_outcome::skipped;
    const journal::record* left = replay_->records.next_call({});
    if (stop_ != cancel_reason::none && !left)
        left = replay_->records.left_at_or_below({});
    const std::string missed =
        left ? fmt::format("it ended before its call {}{}, which was recorded as {}", left->step,
                           left->branch.empty() ? "" : fmt::format(" on the branch {}", left->branch),
                           describe_call(call_kind_of(*left), left->name))
             : std::string("it ended before it came by all that is recorded of it");
    // What it had done behind that point, and would have undone, it did not come by.
    if (stop_ != cancel_reason::none && !by_itself && unconfirmed_.empty() && !replay_->records.arrived())
        mark_unconfirmed("told to stop while it was replayed, " + missed);
    if (!left)
        return;
    if (stop_ == cancel_reason::none && by_itself)
        result_ = failed_result(failure_class::fatal,
                                "the operator has changed: " + missed + "; retry the task to run it from the start",
                                "operator_changed");
    else
        log("not all of the replay: " + missed);
}

void live_attempt::conclude()
{
    if (armed())
        loop().disarm(*this);
    operator_ended_ = true;
    check_arrival();
    for (auto [lines, stream] :
         {std::pair(&out_lines_, journal::log_stream::out), {&err_lines_, journal::log_stream::err}}) {
        if (std::string rest = lines->take_rest(); !rest.empty())
            add_log(stream, std::move(rest));
    }
    if (!unconfirmed_.empty() && result_.outcome != schedule::attempt_outcome::success)
        result_.error["remote"] = "unconfirmed";
    if (log_dropped_ > 0)
        owner_.add_log(*this, journal::log_stream::engine,
                       fmt::format("{} more bytes of log were not kept (the limit is {} bytes, less when the journal "
                                   "cannot keep up)\n",
                                   log_dropped_, max_log_size));
    owner_.attempt_has_ended(*this);
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

void live_attempt::add_log(journal::log_stream stream, std::string text)
{
    if (logged_ >= max_log_size || owner_.services().log.over_limit()) {
        log_dropped_ += text.size();
        return;
    }
    logged_ += text.size();
    owner_.add_log(*this, stream, std::move(text));
}

void live_attempt::log(std::string_view line)
{
    add_log(journal::log_stream::engine, std::string(line) + "\n");
}

void live_attempt::log_output(output_stream stream, std::string_view piece)
{
    const bool err = stream == output_stream::standard_error;
    if (std::string whole = (err ? err_lines_ : out_lines_).add(piece); !whole.empty())
        add_log(err ? journal::log_stream::err : journal::log_stream::out, std::move(whole));
}

void live_attempt::progress(double fraction, std::string_view message)
{
    if (!is_reconciliation())
        owner_.note_progress(*this, std::clamp(fraction, 0.0, 1.0), message);
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
    return prepared.is_constant() ? &prepared.slot(type) : nullptr;
}

void live_attempt::mark_unconfirmed(std::string_view why)
{
    if (!unconfirmed_.empty())
        unconfirmed_ += "; ";
    unconfirmed_ += why;
    log(fmt::format("the remote side has not confirmed that the job stopped: {}", why));
}

} // namespace potoo::runtime
