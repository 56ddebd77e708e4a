// When attempts start: as there is room for them, and once the journal has what leads to them.

#include "engine/runtime/run_executor.hpp"
#include "engine/runtime/run_records.hpp"

#include <algorithm>
#include <utility>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;

void run_executor::add_start(task_index t, item_index i, attempt_number n)
{
    starts_.push_back({t, i, n, caused_by_});
}

void run_executor::note_in_flight()
{
    services_.starts.note_in_flight(*this, machine_.in_flight(), machine_.item_totals()[schedule::task_state::running]);
}

/// So that an attempt that is admitted again is not in line twice.
void run_executor::drop_withdrawn_starts()
{
    if (std::exchange(withdrawn_, false))
        std::erase_if(starts_, [this](const pending_start& s) { return !is_under_way(s.task, s.item, s.attempt); });
}

/// Tells the machine how many slots it may use for now.
void run_executor::lease_slots()
{
    for (std::uint32_t p = 0; p < dag().pools.size(); ++p) {
        const pool_index pool(p);
        const schedule::pool_usage known = machine_.usage_of(pool);
        const std::uint32_t slots = known.used + services_.pools.lease(*this, pool, known.used);
        if (slots != known.slots)
            machine_.apply(schedule::pool_resized{pool, slots});
    }
}

void run_executor::note_slots()
{
    for (std::uint32_t p = 0; p < dag().pools.size(); ++p) {
        const pool_index pool(p);
        services_.pools.note(*this, pool, machine_.usage_of(pool).used, machine_.wants_slot(pool));
    }
}

/// As many as there is room for; otherwise the gate, the pools, the journal or the start of those that are pending lead
/// here again. @return there may be room for more now
bool run_executor::admit_more()
{
    start_gate& gate = services_.starts;
    drop_withdrawn_starts();
    note_in_flight();
    lease_slots();
    const std::size_t space = most_pending_starts - std::min(most_pending_starts, starts_.size());
    if (space == 0 || !machine_.may_start() || services_.log.over_limit()) {
        gate.leave(*this);
        note_slots();
        return false;
    }
    const std::uint32_t room = gate.room(*this, static_cast<std::uint32_t>(space));
    carry_out(machine_.admit(room));
    note_in_flight();
    note_slots();
    // What else it has waits for slots of a pool, and must not hold up others.
    if (!machine_.may_start())
        gate.leave(*this);
    return room > 0 && machine_.may_start() && starts_.size() < most_pending_starts;
}

void run_executor::start_what_may_start()
{
    for (std::size_t n = 0; n < starts_a_turn && !starts_.empty(); ++n) {
        if (!services_.log.is_durable(starts_.front().after))
            return;
        const pending_start s = starts_.front();
        starts_.pop_front();
        start_attempt(s);
    }
}

void run_executor::start_attempt(const pending_start& s)
{
    // It may have been withdrawn, or cancelled, while it waited for the journal.
    if (!is_under_way(s.task, s.item, s.attempt))
        return;
    const schedule::task_state state = machine_.state_of(s.task, s.item);
    item_history before;
    if (const auto found = history_.empty() ? history_.end() : history_.find(key_of(s.task, s.item));
        found != history_.end()) {
        before = std::move(found->second);
        history_.erase(found);
    }
    record started = attempt_record(record_kind::attempt_started, s.task, s.item, s.attempt);
    if (dag()[s.task].key)
        started.name = values_.item_name(s.task, s.item);
    const journal::position said = append(std::move(started));
    machine_.apply(schedule::attempt_started{s.task, s.item, s.attempt});
    live_attempt& a = attempts_.insert(
        std::make_unique<live_attempt>(*this, s.task, s.item, s.attempt, std::move(before.steps), before.started));
    a.note_unawaited(said);
    observer_.attempt_started(s.task, s.item, s.attempt);
    if (state == schedule::task_state::cancelling) {
        const cancel_reason reason = machine_.cancel_reason_of(s.task);
        stop_once_recorded(a, reason == cancel_reason::none ? cancel_reason::user : reason);
    }
    clock_.let_go();
    a.start();
    clock_.hold_again();
}

} // namespace potoo::runtime
