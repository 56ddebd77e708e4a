#include <potoo/wait.hpp>

#include <cassert>

namespace potoo {
namespace {

template <class Node>
void push_back(Node*& first, Node*& last, Node& n, Node* Node::* next, Node* Node::* previous) noexcept
{
    n.*previous = last;
    n.*next = nullptr;
    (last ? last->*next : first) = &n;
    last = &n;
}

template <class Node>
void erase(Node*& first, Node*& last, Node& n, Node* Node::* next, Node* Node::* previous) noexcept
{
    (n.*previous ? n.*previous->*next : first) = n.*next;
    (n.*next ? n.*next->*previous : last) = n.*previous;
    n.*next = n.*previous = nullptr;
}

} // namespace

bool sleep_until::start()
{
    if (due_ <= owner().loop().now())
        return false;
    owner().loop().arm(*this, due_);
    return true;
}

bool sleep_until::withdraw() noexcept
{
    owner().loop().disarm(*this);
    return true;
}

void sleep_until::on_due()
{
    complete_now();
}

bool sleep_for::start()
{
    const steady_time now = owner().loop().now();
    const bool forever = delay_ >= steady_time::max() - now;
    owner().loop().arm(*this, forever ? steady_time::max() : now + delay_);
    return true;
}

bool sleep_for::withdraw() noexcept
{
    owner().loop().disarm(*this);
    return true;
}

void sleep_for::on_due()
{
    complete_now();
}

bool yield_now::start()
{
    complete();
    return true;
}

bool yield_now::withdraw() noexcept
{
    return true;
}

counter::~counter()
{
    assert(first_ == nullptr && "a counter outlives those who wait for it");
}

void counter::advance_to(std::uint64_t value) noexcept
{
    if (value <= value_)
        return;
    value_ = value;
    for (wait* w = first_; w;) {
        wait* next = w->next_;
        if (w->target_ <= value_) {
            w->unlink();
            w->complete();
        }
        w = next;
    }
}

counter::wait counter::reached(std::uint64_t n) noexcept
{
    return wait(*this, n);
}

bool counter::wait::start()
{
    if (counter_->value_ >= target_)
        return false;
    push_back(counter_->first_, counter_->last_, *this, &wait::next_, &wait::previous_);
    return true;
}

bool counter::wait::withdraw() noexcept
{
    unlink();
    return true;
}

void counter::wait::unlink() noexcept
{
    erase(counter_->first_, counter_->last_, *this, &wait::next_, &wait::previous_);
}

semaphore::~semaphore()
{
    assert(first_ == nullptr && "a semaphore outlives those who wait for it");
}

semaphore::wait semaphore::acquire() noexcept
{
    return wait(*this);
}

void semaphore::release() noexcept
{
    if (wait* w = first_) {
        w->unlink();
        w->granted_ = true;
        w->complete();
        return;
    }
    ++free_;
}

semaphore::wait::~wait()
{
    abandon();
    if (granted_)
        semaphore_->release();
}

bool semaphore::wait::start()
{
    if (semaphore_->free_ > 0) {
        --semaphore_->free_;
        return false;
    }
    push_back(semaphore_->first_, semaphore_->last_, *this, &wait::next_, &wait::previous_);
    return true;
}

bool semaphore::wait::withdraw() noexcept
{
    unlink();
    return true;
}

void semaphore::wait::unlink() noexcept
{
    erase(semaphore_->first_, semaphore_->last_, *this, &wait::next_, &wait::previous_);
}

} // namespace potoo
