#include <potoo/concurrency.hpp>

#include <algorithm>

namespace potoo {
namespace detail {

void member::on_end() noexcept
{
    ended_ = true;
    group& g = *group_;
    if (g.counts(*this)) {
        if (!g.first_ended_)
            g.first_ended_ = position();
        if (!g.first_error_ && error()) {
            g.first_error_ = error();
            g.first_failed_ = position();
        }
    }
    const bool last = g.drop();
    g.member_ended(*this);
    if (last)
        g.complete();
}

void group::run(member& m, std::uint32_t position)
{
    m.attach(*this, owner(), position);
    ++live_;
    m.start();
}

bool group::withdraw() noexcept
{
    // A frame that is destroyed while it waits destroys its members itself.
    if (owner().cancel_requested() != cancel_reason::none)
        cancel_members(owner().cancel_requested());
    return false;
}

bool fixed_group::start()
{
    hold();
    const auto count = static_cast<std::uint32_t>(members_.size());
    decision_memory* memory = owner().memory();
    const auto decider = memory ? memory->recall(owner(), count) : std::nullopt;
    decide_by(decider);
    for (std::uint32_t i = 0; i < count && stop_ == cancel_reason::none; ++i) {
        if (i != decider)
            run(*members_[i], i);
    }
    if (decider && stop_ == cancel_reason::none)
        run(*members_[*decider], *decider);
    return !drop();
}

void fixed_group::settle()
{
    const bool stopped = owner().cancel_requested() != cancel_reason::none;
    if (stopped) {
        const bool all_ended = std::all_of(members_.begin(), members_.end(), [](member* m) { return m->ended(); });
        if (rule_ == rule::first_end_wins ? !first_ended() : !all_ended && !first_error())
            throw cancelled(owner().cancel_requested());
    }
    decision_memory* memory = owner().memory();
    if (!memory)
        return;
    const auto decider = rule_ == rule::first_end_wins ? first_ended() : first_failed();
    memory->settle(owner(), static_cast<std::uint32_t>(members_.size()), decider, stopped);
}

void fixed_group::cancel_members(cancel_reason reason) noexcept
{
    if (stop_ != cancel_reason::none)
        return;
    stop_ = reason;
    for (member* m : members_) {
        if (m->parent() && !m->ended())
            m->cancel(reason);
    }
}

void fixed_group::member_ended(member& m) noexcept
{
    if (!counts(m) || (rule_ == rule::wait_for_all && !m.error()))
        return;
    // The others may take long to end, and a crash meanwhile must not forget who was the first.
    if (decision_memory* memory = stop_ == cancel_reason::none ? owner().memory() : nullptr)
        memory->decide(owner(), static_cast<std::uint32_t>(members_.size()), m.position());
    cancel_members(cancel_reason::sibling);
}

bounded_group::~bounded_group()
{
    abandon();
    if (armed())
        owner().loop().disarm(*this);
}

bool bounded_group::start()
{
    hold();
    run(*member_, 0);
    if (drop())
        return false;
    if (deadline_ <= owner().loop().now())
        member_->cancel(cancel_reason::deadline);
    else
        owner().loop().arm(*this, deadline_);
    return true;
}

void bounded_group::cancel_members(cancel_reason reason) noexcept
{
    if (!member_->ended())
        member_->cancel(reason);
}

void bounded_group::member_ended(member&) noexcept
{
    if (armed())
        owner().loop().disarm(*this);
}

void bounded_group::on_due()
{
    cancel_members(cancel_reason::deadline);
}

} // namespace detail

task<std::monostate> as_value(task<> t)
{
    co_await std::move(t);
    co_return std::monostate{};
}

task<> all(std::vector<task<>> tasks)
{
    std::vector<task<std::monostate>> values;
    values.reserve(tasks.size());
    for (auto& t : tasks)
        values.push_back(as_value(std::move(t)));
    co_await all(std::move(values));
}

void scope::spawn(task<> t)
{
    detail::typed_member<void>& m = members_.emplace_back(std::move(t));
    const std::uint32_t position = next_position_++;
    if (stop_ != cancel_reason::none)
        m.cancel(stop_);
    run(m, position);
}

bool scope::start()
{
    hold();
    spawn(std::move(body_));
    return !drop();
}

void scope::cancel_members(cancel_reason reason) noexcept
{
    if (stop_ != cancel_reason::none)
        return;
    stop_ = reason;
    for (auto& m : members_)
        m.cancel(reason);
}

void scope::member_ended(detail::member& m) noexcept
{
    const bool failed = m.error() != nullptr;
    members_.remove_if([&](const auto& x) { return &x == &m; });
    if (failed)
        cancel_members(cancel_reason::sibling);
}

} // namespace potoo
