#include "engine/journal/item_table.hpp"

#include "engine/journal/item_progress.hpp"

#include <algorithm>
#include <chrono>

namespace potoo::journal {

namespace {

/// Whatever a file says, the calendar begins in 1970 here.
wall_time began(const record& r) noexcept
{
    const std::int64_t end = std::max<std::int64_t>(r.at.time_since_epoch().count(), 0);
    return wall_time(std::chrono::milliseconds(end - std::clamp<std::int64_t>(r.number, 0, end)));
}

bool is_full(const item_filter& filter, const std::vector<item_table::place>& out) noexcept
{
    return filter.limit != 0 && out.size() >= filter.limit;
}

} // namespace

void item_table::apply(record_seq seq, const record& r)
{
    if (r.kind == record_kind::task_evaluated) {
        evaluated_ = std::max(evaluated_.value_or(0), static_cast<std::uint32_t>(r.number));
        return;
    }
    if (r.kind == record_kind::task_ended) {
        ended_as_ = r.state;
        ended_at_ = r.at;
        return;
    }
    if (r.kind == record_kind::task_reopened) {
        ended_as_.reset();
        return;
    }
    const auto state = item_state_after(r);
    if (r.item == no_item || state == recorded_state::none)
        return;
    auto& item = items_[r.item];
    item.state = state;
    item.last = seq;
    item.attempts = std::max(item.attempts, r.attempt.value());
    ended_as_.reset();
    if (r.kind == record_kind::attempt_started) {
        item.started = std::min(item.started.value_or(r.at), r.at);
        if (!r.name.empty())
            item.key = seq;
    }
    if (r.kind != record_kind::attempt_ended)
        return;
    item.started = std::min(item.started.value_or(began(r)), began(r));
    item.last_end = std::max(item.last_end.value_or(r.at), r.at);
    if (r.state != recorded_state::success && !r.data.empty())
        item.error = seq;
}

std::uint64_t item_table::size() const noexcept
{
    return std::max<std::uint64_t>(evaluated_.value_or(1), items_.size());
}

bool item_table::over() const noexcept
{
    return ended_as_ && is_final(*ended_as_);
}

recorded_state item_table::state_of(const item_state& i) const noexcept
{
    // What waits when its task ends is not heard of again.
    return over() && !is_final(i.state) ? recorded_state::cancelled : i.state;
}

recorded_state item_table::state_of_the_rest() const noexcept
{
    return over() ? *ended_as_ : recorded_state::pending;
}

item_table::place item_table::place_of(item_index index, const item_state& i) const
{
    place p;
    p.row.item = index;
    p.row.state = state_of(i);
    p.row.attempts = i.attempts;
    p.row.started = i.started;
    if (is_final(p.row.state))
        p.row.ended = i.last_end;
    p.key = i.key;
    if (p.row.state == recorded_state::success)
        p.output = i.last;
    else
        p.error = i.error;
    return p;
}

std::vector<item_table::place> item_table::page(const item_filter& filter) const
{
    std::vector<place> out;
    if (!filter.after || filter.after->failed)
        add_failed(filter, out);
    if (!is_full(filter, out))
        add_others(filter, out);
    return out;
}

void item_table::add_failed(const item_filter& filter, std::vector<place>& out) const
{
    auto i = filter.after ? items_.upper_bound(filter.after->item) : items_.begin();
    for (; i != items_.end() && !is_full(filter, out); ++i) {
        const auto state = state_of(i->second);
        if (is_first(state) && (!filter.state || state == *filter.state))
            out.push_back(place_of(i->first, i->second));
    }
}

void item_table::add_others(const item_filter& filter, std::vector<place>& out) const
{
    const bool goes_on = filter.after && !filter.after->failed;
    std::uint64_t index = goes_on ? std::uint64_t{filter.after->item.value()} + 1 : 0;
    auto known = goes_on ? items_.upper_bound(filter.after->item) : items_.begin();
    const auto rest = state_of_the_rest();
    const bool rest_is_wanted = !filter.state || rest == *filter.state;
    while (!is_full(filter, out)) {
        if (known != items_.end() && (!rest_is_wanted || known->first.value() == index || index >= size())) {
            const auto state = state_of(known->second);
            if (!is_first(state) && (!filter.state || state == *filter.state))
                out.push_back(place_of(known->first, known->second));
            index = std::uint64_t{known->first.value()} + 1;
            ++known;
        } else if (rest_is_wanted && index < size()) {
            place p;
            p.row.item = item_index(static_cast<std::uint32_t>(index++));
            p.row.state = rest;
            if (over())
                p.row.ended = ended_at_;
            out.push_back(std::move(p));
        } else {
            return;
        }
    }
}

} // namespace potoo::journal
