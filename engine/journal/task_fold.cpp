#include "engine/journal/task_fold.hpp"

#include "engine/journal/item_progress.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace potoo::journal {

namespace {

/// The state of a task of several items that have all ended: the worst of theirs.
recorded_state worst(const std::array<std::uint32_t, recorded_state_count>& counts) noexcept
{
    constexpr std::array order{recorded_state::failed,          recorded_state::timed_out, recorded_state::cancelled,
                               recorded_state::upstream_failed, recorded_state::success,   recorded_state::skipped};
    const auto* found =
        std::ranges::find_if(order, [&](recorded_state s) { return counts[static_cast<std::size_t>(s)] > 0; });
    return found == order.end() ? recorded_state::running : *found;
}

} // namespace

void task_fold::apply(const record& r)
{
    if (r.task == no_task)
        return;
    if (r.kind == record_kind::task_evaluated) {
        auto& t = tasks_[r.task];
        t.evaluated = std::max(t.evaluated.value_or(0), static_cast<std::uint32_t>(r.number));
    } else if (r.kind == record_kind::task_ended) {
        auto& t = tasks_[r.task];
        t.ended_as = r.state;
        t.ended_at = r.at;
        if (r.state == recorded_state::success)
            t.output = r.data;
        else if (!r.data.empty())
            t.error = r.data;
    } else if (r.kind == record_kind::task_reopened) {
        auto& t = tasks_[r.task];
        t.ended_as = recorded_state::pending;
        t.ended_at.reset();
        t.output.clear();
    } else if (r.item != no_item && item_state_after(r) != recorded_state::none) {
        apply_to_item(tasks_[r.task], r);
    }
}

void task_fold::apply_to_item(task_state& t, const record& r)
{
    auto& item = t.items[r.item];
    item.state = item_state_after(r);
    item.attempts = std::max(item.attempts, r.attempt.value());
    t.ended_as.reset();
    t.ended_at.reset();
    t.output.clear();
    item.output.clear();
    if (r.kind == record_kind::attempt_started)
        t.started = std::min(t.started.value_or(r.at), r.at);
    if (r.kind != record_kind::attempt_ended)
        return;
    // Whatever a file says, the calendar begins in 1970 here.
    const std::int64_t ended = std::max<std::int64_t>(r.at.time_since_epoch().count(), 0);
    const wall_time began(std::chrono::milliseconds(ended - std::clamp<std::int64_t>(r.number, 0, ended)));
    t.started = std::min(t.started.value_or(began), began);
    t.last_end = std::max(t.last_end.value_or(r.at), r.at);
    if (r.state == recorded_state::success)
        item.output = r.data;
    else if (!r.data.empty())
        t.error = r.data;
}

task_row task_fold::row_of(const task_state& t)
{
    task_row row;
    const auto known = static_cast<std::uint32_t>(t.items.size());
    row.items = std::max(t.evaluated.value_or(1), known);
    std::uint32_t ended = 0;
    const bool over = t.ended_as && is_final(*t.ended_as);
    for (const auto& [index, item] : t.items) {
        // What waits when its task ends is not heard of again.
        const auto state = over && !is_final(item.state) ? recorded_state::cancelled : item.state;
        ++row.counts[static_cast<std::size_t>(state)];
        row.attempts += item.attempts;
        ended += is_final(item.state) ? 1 : 0;
    }
    if (t.ended_as)
        row.state = *t.ended_as;
    else if (known == 0)
        row.state = t.evaluated ? recorded_state::queued : recorded_state::pending;
    else if (row.items == 1)
        row.state = t.items.begin()->second.state;
    else
        row.state = ended == row.items ? worst(row.counts) : recorded_state::running;
    const auto rest = is_final(row.state) ? row.state : recorded_state::pending;
    row.counts[static_cast<std::size_t>(rest)] += row.items - known;
    row.started = t.started;
    if (is_final(row.state))
        row.ended = t.ended_at ? t.ended_at : t.last_end;
    if (row.state == recorded_state::success && row.items == 1)
        row.output = !t.output.empty() || known == 0 ? t.output : t.items.begin()->second.output;
    if (row.state != recorded_state::success)
        row.error = t.error;
    return row;
}

std::vector<task_row> task_fold::rows(std::span<const std::string> names) const
{
    std::vector<task_row> result;
    result.reserve(names.size());
    for (std::uint32_t i = 0; i < names.size(); ++i) {
        const auto found = tasks_.find(task_index(i));
        auto row = row_of(found == tasks_.end() ? task_state{} : found->second);
        row.task = task_index(i);
        row.name = names[i];
        result.push_back(std::move(row));
    }
    return result;
}

} // namespace potoo::journal
