#include "engine/schedule/run_machine.hpp"

namespace potoo::schedule {

void run_machine::on(const run_paused&)
{
    paused_ = true;
    // Whoever admits attempts on request holds slots for them that others may have meanwhile.
    for (std::uint32_t t = 0; on_request_ && t < tasks_.size(); ++t) {
        const task_row& row = tasks_[t];
        if (is_terminal(row.own.state))
            continue;
        const std::size_t rows = row.fan_out != none ? fan_outs_[row.fan_out].rows.size() : row.has_foreach ? 0 : 1;
        for (std::uint32_t i = 0; i < rows; ++i)
            put_back_unbegun(t, i);
    }
}

void run_machine::on(const run_resumed&)
{
    paused_ = false;
}

void run_machine::put_back_unbegun(std::uint32_t t, std::uint32_t item)
{
    const item_row& row = row_at(t, item);
    if (!is_in_flight(row.state) || row.begun)
        return;
    take_back_attempt(t, item);
    requeue(t, item);
}

} // namespace potoo::schedule
