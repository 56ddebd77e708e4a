#include "engine/journal/memory_store.hpp"

#include "engine/journal/attempt_fold.hpp"
#include "engine/journal/item_table.hpp"
#include "engine/journal/run_progress.hpp"
#include "engine/journal/task_fold.hpp"

#include <potoo/json.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace potoo::journal {

namespace {

bool has_member(const std::string& origin, const char* name, const std::string& wanted)
{
    if (wanted.empty())
        return true;
    boost::system::error_code ec;
    const json::value parsed = json::parse(origin, ec);
    const json::value* member = ec || !parsed.is_object() ? nullptr : parsed.get_object().if_contains(name);
    return member && member->is_string() && std::string_view(member->get_string()) == wanted;
}

bool matches_detail(const run_row& row, const run_filter& filter)
{
    return (!filter.state || row.state == *filter.state) &&
           (!filter.created_after || row.created >= *filter.created_after) &&
           (!filter.created_before || row.created < *filter.created_before) &&
           has_member(row.origin, "by", filter.origin_by) && has_member(row.origin, "key", filter.origin_key) &&
           has_member(row.origin, "who", filter.origin_who);
}

bool matches(const run_row& row, bool unconfirmed, const run_filter& filter)
{
    return !(filter.unfinished && row.ended) && !(filter.unreconciled && !(row.ended && unconfirmed)) &&
           std::string_view(row.id.value()).starts_with(filter.id_prefix) &&
           (filter.dag_name.empty() || row.dag_name == filter.dag_name) &&
           (!filter.before || row.number < *filter.before) && matches_detail(row, filter);
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

auto order_of(const unconfirmed_remote& r)
{
    return std::tie(r.run, r.task, r.item, r.attempt, r.token);
}

void update(std::vector<unconfirmed_remote>& jobs, const record& r)
{
    if (r.kind != record_kind::remote_unconfirmed && r.kind != record_kind::remote_confirmed)
        return;
    unconfirmed_remote job{r.run, r.task, r.item, r.attempt, r.name, r.data};
    const bool all_of_attempt = r.kind == record_kind::remote_confirmed && r.name.empty();
    std::erase_if(jobs, [&](const unconfirmed_remote& known) {
        return known.task == job.task && known.item == job.item && known.attempt == job.attempt &&
               (all_of_attempt || known.token == job.token);
    });
    if (r.kind == record_kind::remote_unconfirmed)
        jobs.insert(std::ranges::upper_bound(jobs, order_of(job), {}, order_of), std::move(job));
}

} // namespace

memory_store::stored_run& memory_store::at(run_number run)
{
    const auto found = runs_.find(run);
    if (found == runs_.end())
        throw store_error(store_error_kind::not_found, "there is no run number " + std::to_string(run.value()));
    return found->second;
}

std::vector<run_row> memory_store::runs(const run_filter& filter)
{
    std::vector<run_row> result;
    for (auto i = runs_.rbegin(); i != runs_.rend(); ++i) {
        if (filter.limit != 0 && result.size() == filter.limit)
            break;
        const auto& run = i->second;
        if (matches(run.row, !run.unconfirmed.empty(), filter))
            result.push_back(run.row);
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

void memory_store::records_since(record_seq after, std::size_t limit, const record_visitor& visit)
{
    auto i = std::ranges::upper_bound(order_, after, {}, &std::pair<record_seq, run_number>::first);
    for (std::size_t n = 0; i != order_.end() && (limit == 0 || n < limit); ++i, ++n) {
        const auto& records = runs_.at(i->second).records;
        const auto found = std::ranges::lower_bound(records, i->first, {}, &stored_record::seq);
        if (!visit(i->first, found->value))
            return;
    }
}

record_seq memory_store::last_seq()
{
    return record_seq(last_seq_);
}

record_seq memory_store::removed_up_to()
{
    return removed_up_to_;
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

std::vector<item_row> memory_store::items(run_number run, const item_filter& filter)
{
    const auto& records = at(run).records;
    item_table table;
    for (const auto& stored : records)
        if (stored.value.task == filter.task)
            table.apply(stored.seq, stored.value);
    const auto found = [&](record_seq seq) -> const record& {
        return std::ranges::lower_bound(records, seq, {}, &stored_record::seq)->value;
    };
    std::vector<item_row> result;
    for (auto& place : table.page(filter)) {
        if (place.key.value() != 0)
            place.row.key = found(place.key).name;
        if (place.output.value() != 0)
            place.row.output = found(place.output).data;
        if (place.error.value() != 0)
            place.row.error = found(place.error).data;
        result.push_back(std::move(place.row));
    }
    return result;
}

std::vector<attempt_row> memory_store::attempts(run_number run, task_index task, item_index item)
{
    attempt_fold fold;
    for (const auto& stored : at(run).records)
        if (stored.value.task == task && stored.value.item == item)
            fold.apply(stored.value);
    return std::move(fold).rows();
}

std::optional<std::string> memory_store::entry(const std::string& kind, const std::string& key)
{
    const auto of_kind = entries_.find(kind);
    if (of_kind == entries_.end())
        return std::nullopt;
    const auto found = of_kind->second.find(key);
    return found == of_kind->second.end() ? std::nullopt : std::optional(found->second);
}

std::vector<entry_row> memory_store::entries(const std::string& kind, const std::string& after, std::size_t limit)
{
    std::vector<entry_row> result;
    const auto of_kind = entries_.find(kind);
    if (of_kind == entries_.end())
        return result;
    for (auto i = of_kind->second.upper_bound(after); i != of_kind->second.end(); ++i) {
        if (limit != 0 && result.size() == limit)
            break;
        result.push_back({i->first, i->second});
    }
    return result;
}

bool memory_store::carry_out(const entry_change& change)
{
    auto& of_kind = entries_[change.kind];
    switch (change.verb) {
    case entry_verb::insert:
        return of_kind.try_emplace(change.key, change.value).second;
    case entry_verb::put:
        of_kind.insert_or_assign(change.key, change.value);
        return true;
    case entry_verb::erase:
        return of_kind.erase(change.key) > 0;
    }
    return false;
}

run_number memory_store::next_run() const
{
    return next_run_;
}

append_result memory_store::append(const batch& b)
{
    for (const auto& run : b.runs) {
        run_row row{run.number,  run.id,       run.dag->name, run.params, recorded_state::queued, run.owner, run.epoch,
                    run.created, std::nullopt, std::nullopt,  run.origin};
        runs_.try_emplace(run.number, stored_run{std::move(row), run.dag, {}, {}, {}});
        next_run_ = run_number(run.number.value() + 1);
    }
    for (const auto& r : b.records) {
        auto& run = at(r.run);
        run.records.push_back({record_seq(++last_seq_), r});
        order_.emplace_back(record_seq(last_seq_), r.run);
        update(run.row, r);
        update(run.unconfirmed, r);
    }
    for (const auto& chunk : b.logs)
        at(chunk.run).logs.push_back({++last_log_, chunk});
    append_result result;
    for (const auto& change : b.changes)
        result.changes.push_back(carry_out(change));
    return result;
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

std::vector<unconfirmed_remote> memory_store::unconfirmed(std::optional<run_number> run)
{
    if (run)
        return at(*run).unconfirmed;
    std::vector<unconfirmed_remote> result;
    for (const auto& [number, stored] : runs_)
        result.insert(result.end(), stored.unconfirmed.begin(), stored.unconfirmed.end());
    return result;
}

std::vector<run_row> memory_store::prunable(const retention& keep, wall_time now)
{
    std::vector<run_row> result;
    if (keep.only) {
        const auto found = runs_.find(*keep.only);
        if (found != runs_.end() && found->second.row.ended && found->second.unconfirmed.empty())
            result.push_back(found->second.row);
        return result;
    }
    if (!keep.keep_runs && !keep.keep_for)
        return result;
    std::map<std::string_view, std::uint32_t> newer; // ended runs, by DAG
    for (auto i = runs_.rbegin(); i != runs_.rend(); ++i) {
        const auto& row = i->second.row;
        if (!row.ended || (!keep.dag_name.empty() && row.dag_name != keep.dag_name))
            continue;
        const auto place = newer[row.dag_name]++;
        const bool kept =
            (keep.keep_runs && place < *keep.keep_runs) || (keep.keep_for && *row.ended >= now - *keep.keep_for);
        if (!kept && i->second.unconfirmed.empty())
            result.push_back(row);
    }
    std::ranges::reverse(result);
    return result;
}

pruned memory_store::prune(const retention& keep, wall_time now, std::size_t at_most)
{
    pruned result;
    std::size_t seen = 0;
    for (const auto& row : prunable(keep, now)) {
        if (seen >= at_most && result.runs > 0) {
            result.more = true;
            break;
        }
        const auto found = runs_.find(row.number);
        result.records += found->second.records.size();
        result.logs += found->second.logs.size();
        seen += found->second.records.size() + found->second.logs.size();
        const auto dag = std::move(found->second.dag);
        runs_.erase(found);
        ++result.runs;
        result.dags += std::ranges::none_of(runs_, [&](const auto& r) { return r.second.dag == dag; }) ? 1 : 0;
    }
    if (result.runs > 0) {
        removed_up_to_ = record_seq(last_seq_);
        std::erase_if(order_, [this](const auto& place) { return !runs_.contains(place.second); });
    }
    return result;
}

} // namespace potoo::journal
