#include <potoo/execution.hpp>
#include <potoo/loop.hpp>

namespace potoo {

void loop::adopt(kept_execution& e) noexcept
{
    e.next_ = executions_;
    e.previous_ = nullptr;
    if (executions_)
        executions_->previous_ = &e;
    executions_ = &e;
}

void loop::release(kept_execution& e) noexcept
{
    (e.previous_ ? e.previous_->next_ : executions_) = e.next_;
    if (e.next_)
        e.next_->previous_ = e.previous_;
    e.next_ = e.previous_ = nullptr;
}

void loop::abandon_executions() noexcept
{
    while (kept_execution* e = executions_) {
        release(*e);
        delete e;
    }
}

} // namespace potoo
