#include <potoo/branch.hpp>

#include <cassert>
#include <utility>

namespace potoo {

void branch::cancel(cancel_reason reason) noexcept
{
    assert(reason != cancel_reason::none);
    if (reason_ != cancel_reason::none)
        return;
    reason_ = reason;
    if (waiting_)
        waiting_->cancel();
}

void branch::resume(std::coroutine_handle<> h)
{
    // The branch may be gone when the coroutine comes back, so only the loop is touched after it.
    potoo::loop& l = *loop_;
    // Only this thread writes them, so no read-modify-write is needed; the release lets the watchdog read the name.
    const std::string* outer = l.running.load(std::memory_order_relaxed);
    l.running.store(name_, std::memory_order_release);
    l.turns.store(l.turns.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    h.resume();
    l.running.store(outer, std::memory_order_release);
}

leaf::~leaf()
{
    assert(state_ != state::waiting && "a derived leaf must call abandon() in its destructor");
    if (state_ == state::ready)
        branch_->loop().unschedule(*this);
}

void leaf::abandon() noexcept
{
    if (state_ == state::waiting) {
        state_ = state::idle;
        branch_->waiting_ = nullptr;
        withdraw();
    } else if (state_ == state::ready) {
        state_ = state::idle;
        branch_->loop().unschedule(*this);
    }
}

bool leaf::suspend(std::coroutine_handle<> h, branch& b)
{
    assert(state_ == state::idle);
    branch_ = &b;
    waiter_ = h;
    withdrawn_ = false;
    if (b.cancel_requested() != cancel_reason::none && respects_cancellation()) {
        withdrawn_ = true;
        return false;
    }
    assert(b.waiting_ == nullptr && "one leaf at a time waits on a branch");
    b.waiting_ = this;
    state_ = state::waiting;
    bool must_wait = false;
    try {
        must_wait = start();
    } catch (...) {
        b.waiting_ = nullptr;
        state_ = state::idle;
        throw;
    }
    if (must_wait)
        return true;
    if (state_ == state::ready)
        b.loop().unschedule(*this);
    b.waiting_ = nullptr;
    state_ = state::idle;
    return false;
}

void leaf::cancel() noexcept
{
    if (state_ != state::waiting || !respects_cancellation())
        return;
    if (withdraw()) {
        withdrawn_ = true;
        complete();
    }
}

void leaf::complete() noexcept
{
    if (state_ != state::waiting)
        return;
    state_ = state::ready;
    branch_->waiting_ = nullptr;
    branch_->loop().schedule(*this);
}

void leaf::complete_now()
{
    // Called from within a running coroutine after all (an operation that completes in its initiation or cancellation).
    if (branch_->loop().running.load(std::memory_order_relaxed)) {
        complete();
        return;
    }
    if (state_ != state::waiting)
        return;
    state_ = state::idle;
    branch_->waiting_ = nullptr;
    branch_->resume(waiter_);
}

void leaf::on_ready()
{
    state_ = state::idle;
    branch_->resume(waiter_);
}

} // namespace potoo
