#include "engine/remote/watch_list.hpp"

#include <utility>

namespace potoo::remote {
namespace {

// What a round of many jobs lets go of serves the next.
constexpr std::size_t most_kept = 4096;
constexpr std::size_t fetched_ahead = 6;

} // namespace

watch_list::store::~store()
{
    while (free_)
        delete std::exchange(free_, free_->next);
}

watch_list::chunk* watch_list::store::take()
{
    if (!free_)
        return new chunk;
    chunk* c = std::exchange(free_, free_->next);
    --kept_;
    c->next = nullptr;
    c->begin = c->end = 0;
    return c;
}

void watch_list::store::give_back(chunk* c) noexcept
{
    if (kept_ == most_kept) {
        delete c;
        return;
    }
    ++kept_;
    c->next = std::exchange(free_, c);
}

watch_list::watch_list(watch_list&& other) noexcept
    : store_(other.store_), first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr))
{}

watch_list::~watch_list()
{
    while (pop()) {}
}

void watch_list::push(watch& w)
{
    if (!last_ || last_->end == chunk_entries) {
        chunk* c = store_->take();
        (last_ ? last_->next : first_) = c;
        last_ = c;
    }
    watch*& place = last_->entries[last_->end++];
    place = &w;
    w.place_ = &place;
}

bool watch_list::empty() noexcept
{
    while (first_) {
        while (first_->begin != first_->end) {
            if (first_->entries[first_->begin])
                return false;
            ++first_->begin;
        }
        store_->give_back(std::exchange(first_, first_->next));
    }
    last_ = nullptr;
    return true;
}

watch* watch_list::pop() noexcept
{
    if (empty())
        return nullptr;
    if (first_->begin + fetched_ahead < first_->end) {
        if (const watch* soon = first_->entries[first_->begin + fetched_ahead]) {
            __builtin_prefetch(soon);
            __builtin_prefetch(soon + 1);
        }
    }
    watch* w = first_->entries[first_->begin++];
    w->place_ = nullptr;
    return w;
}

void watch_list::append(watch_list&& other) noexcept
{
    if (!other.first_)
        return;
    (last_ ? last_->next : first_) = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
}

} // namespace potoo::remote
