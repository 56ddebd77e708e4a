#include "engine/journal/memory_store.hpp"

#include "engine/journal/run_progress.hpp"
#include "engine/journal/task_fold.hpp"

#include <algorithm>
#include <string_view>

namespace potoo::journal {

namespace {

bool matches(const run_row& row, const run_filter& filter)
{
    return !(filter.unfinished && row.ended) && std::string_view(row.id.value()).starts_with(filter.id_prefix) &&
           (filter.dag_name.empty() || row.dag_name == filter.dag_name) &&
           (!filter.before || row.number < *filter.before);
}

bool matches(const log_chunk& chunk, const log_filter& filter)
{
    return (!filter.task || chunk.task == *filter.task) && (!filter.item || chunk.item == *filter.item) &&
           (!filter.attempt || chunk.attempt == *filter.attempt);
}

void update(run_row& row, const record& r)
{
    const auto progress = progress_of(r);
    if (!progress)
        return;
    row.state = progress->state;
    if (progress->starts && !row.started)
        row.started = r.at;
    row.ended = progress->ends ? std::optional(r.at) : std::nullopt;
}

} // namespace

memory_store::stored_run& memory_store::at(run_number run)
{
    if (run.value() == 0 || run.value() > runs_.size())
        throw store_error(store_error_kind::not_found, "there is no run number " + std::to_string(run.value()));
    return runs_[run.value() - 1];
}

std::vector<run_row> memory_store::runs(const run_filter& filter)
{
    std::vector<run_row> result;
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
        if (filter.limit != 0 && result.size() == filter.limit)
            break;
        if (matches(run->row, filter))
            result.push_back(run->row);
    }
    return result;
}

dag_document memory_store::dag_of(run_number run)
{
    return *at(run).dag;
}

void memory_store::records(run_number run, record_seq from, const record_visitor& visit)
{
    const auto& all = at(run).records;
    for (auto i = std::ranges::lower_bound(all, from, {}, &stored_record::seq); i != all.end(); ++i)
        if (!visit(i->seq, i->value))
            return;
}

void memory_store::logs(const log_filter& filter, const log_visitor& visit)
{
    for (const auto& entry : at(filter.run).logs)
        if (entry.position > filter.after && matches(entry.value, filter) && !visit(entry.position, entry.value))
            return;
}

std::vector<task_row> memory_store::tasks(run_number run)
{
    const auto& found = at(run);
    task_fold fold;
    for (const auto& entry : found.records)
        fold.apply(entry.value);
    return fold.rows(found.dag->tasks);
}

run_number memory_store::next_run() const
{
    return run_number(static_cast<std::uint32_t>(runs_.size()) + 1);
}

void memory_store::append(const batch& b)
{
    for (const auto& run : b.runs) {
        run_row row{run.number, run.id,    run.dag->name, run.params,   recorded_state::queued,
                    run.owner,  run.epoch, run.created,   std::nullopt, std::nullopt};
        runs_.push_back({std::move(row), run.dag, {}, {}});
    }
    for (const auto& r : b.records) {
        auto& run = at(r.run);
        run.records.push_back({record_seq(++last_seq_), r});
        update(run.row, r);
    }
    for (const auto& chunk : b.logs)
        at(chunk.run).logs.push_back({++last_log_, chunk});
}

std::uint64_t memory_store::claim(run_number run, const std::string& owner)
{
    auto& row = at(run).row;
    row.owner = owner;
    return ++row.epoch;
}

bool memory_store::maintain()
{
    return false;
}

} // namespace potoo::journal
