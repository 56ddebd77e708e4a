#include "engine/host/host_parts.hpp"

namespace potoo::host {

engine_figures engine_host::figures() const
{
    engine_figures out;
    for (const active_run& r : parts_->runs) {
        if (!r.executor || r.reconciles)
            continue;
        ++out.runs;
        const schedule::state_counts& items = r.executor->machine().item_totals();
        for (std::size_t s = 0; s < schedule::task_state_count; ++s)
            out.items[static_cast<schedule::task_state>(s)] += items[static_cast<schedule::task_state>(s)];
    }
    out.commits = parts_->log.latency();
    out.commit_waiting = parts_->log.waiting_for();
    out.journal_broken = parts_->broken.has_value();
    return out;
}

} // namespace potoo::host
