#include "tests/integration/conformance/gated_journal.hpp"

#include <algorithm>

namespace potoo::conformance {

using namespace journal;

void gated_journal::close_at(record_kind kind, gate_side side)
{
    const std::lock_guard lock(mutex_);
    closed_at_ = kind;
    side_ = side;
}

bool gated_journal::reached()
{
    const std::lock_guard lock(mutex_);
    return reached_;
}

void gated_journal::crash()
{
    const std::lock_guard lock(mutex_);
    dead_ = true;
    crashed_.notify_all();
}

void gated_journal::stand_still(std::unique_lock<std::mutex>& lock)
{
    reached_ = true;
    crashed_.wait(lock, [this] { return dead_; });
    throw store_error(store_error_kind::full, "the engine has been killed");
}

append_result gated_journal::append(const batch& b)
{
    std::unique_lock lock(mutex_);
    if (dead_)
        throw store_error(store_error_kind::full, "the engine has been killed");
    const bool closes =
        closed_at_ && std::ranges::any_of(b.records, [&](const record& r) { return r.kind == *closed_at_; });
    if (closes && side_ == gate_side::before)
        stand_still(lock);
    auto result = kept_.append(b);
    if (closes)
        stand_still(lock);
    return result;
}

std::vector<run_row> gated_journal::runs(const run_filter& filter)
{
    const std::lock_guard lock(mutex_);
    return kept_.runs(filter);
}

dag_document gated_journal::dag_of(run_number run)
{
    const std::lock_guard lock(mutex_);
    return kept_.dag_of(run);
}

void gated_journal::records(run_number run, record_seq from, const record_visitor& visit)
{
    const std::lock_guard lock(mutex_);
    kept_.records(run, from, visit);
}

void gated_journal::records_since(record_seq after, std::size_t limit, const record_visitor& visit)
{
    const std::lock_guard lock(mutex_);
    kept_.records_since(after, limit, visit);
}

record_seq gated_journal::last_seq()
{
    const std::lock_guard lock(mutex_);
    return kept_.last_seq();
}

record_seq gated_journal::removed_up_to()
{
    const std::lock_guard lock(mutex_);
    return kept_.removed_up_to();
}

void gated_journal::logs(const log_filter& filter, const log_visitor& visit)
{
    const std::lock_guard lock(mutex_);
    kept_.logs(filter, visit);
}

std::vector<task_row> gated_journal::tasks(run_number run)
{
    const std::lock_guard lock(mutex_);
    return kept_.tasks(run);
}

std::vector<item_row> gated_journal::items(run_number run, const item_filter& filter)
{
    const std::lock_guard lock(mutex_);
    return kept_.items(run, filter);
}

std::vector<attempt_row> gated_journal::attempts(run_number run, task_index task, item_index item)
{
    const std::lock_guard lock(mutex_);
    return kept_.attempts(run, task, item);
}

std::optional<std::string> gated_journal::entry(const std::string& kind, const std::string& key)
{
    const std::lock_guard lock(mutex_);
    return kept_.entry(kind, key);
}

std::vector<entry_row> gated_journal::entries(const std::string& kind, const std::string& after, std::size_t limit)
{
    const std::lock_guard lock(mutex_);
    return kept_.entries(kind, after, limit);
}

std::vector<unconfirmed_remote> gated_journal::unconfirmed(std::optional<run_number> run)
{
    const std::lock_guard lock(mutex_);
    return kept_.unconfirmed(run);
}

std::vector<run_row> gated_journal::prunable(const retention& r, wall_time now)
{
    const std::lock_guard lock(mutex_);
    return kept_.prunable(r, now);
}

run_number gated_journal::next_run() const
{
    const std::lock_guard lock(mutex_);
    return kept_.next_run();
}

std::uint64_t gated_journal::claim(run_number run, const std::string& owner)
{
    const std::lock_guard lock(mutex_);
    return kept_.claim(run, owner);
}

bool gated_journal::maintain()
{
    const std::lock_guard lock(mutex_);
    return kept_.maintain();
}

pruned gated_journal::prune(const retention& r, wall_time now, std::size_t at_most)
{
    const std::lock_guard lock(mutex_);
    return kept_.prune(r, now, at_most);
}

} // namespace potoo::conformance
