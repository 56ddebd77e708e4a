#include "engine/loop/ready_queue.hpp"

namespace potoo {

ready_queue::ready_queue() noexcept
{
    head_.next_ = head_.previous_ = &head_;
}

void ready_queue::push(ready_node& n) noexcept
{
    if (n.queued())
        return;
    n.next_ = &head_;
    n.previous_ = head_.previous_;
    head_.previous_->next_ = &n;
    head_.previous_ = &n;
}

void ready_queue::remove(ready_node& n) noexcept
{
    if (!n.queued())
        return;
    n.previous_->next_ = n.next_;
    n.next_->previous_ = n.previous_;
    n.next_ = n.previous_ = nullptr;
}

void ready_queue::run()
{
    while (run_one()) {}
}

bool ready_queue::run_one()
{
    push(mark_);
    if (head_.next_ != &mark_) {
        ready_node& n = *head_.next_;
        remove(n);
        n.on_ready();
    }
    if (head_.next_ != &mark_)
        return true;
    remove(mark_);
    return false;
}

} // namespace potoo
