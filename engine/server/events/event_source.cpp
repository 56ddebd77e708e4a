#include "engine/server/events/event_source.hpp"

#include "engine/server/events/event_text.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace potoo::server {

namespace {

constexpr std::size_t most_runs_known = 4'096;

/// To learn of a run takes as long as to read 20 records.
constexpr std::size_t most_runs_read_at_once = 16;

runtime::run_origin origin_of(const std::string& text)
{
    try {
        return runtime::parse_run_origin(text);
    } catch (const std::invalid_argument&) {
        return {};
    }
}

} // namespace

event_source::slice event_source::read(journal::record_seq after, journal::record_seq until, std::size_t records)
{
    slice result{{}, after, false};
    // The visitor must not use the reader, which tells what run a record belongs to.
    std::vector<std::pair<journal::record_seq, journal::record>> seen;
    std::size_t looked_at = 0;
    reader_.records_since(after, records, [&](journal::record_seq seq, const journal::record& r) {
        if (seq > until)
            return false;
        ++looked_at;
        result.last = seq;
        if (type_of(r.kind))
            seen.emplace_back(seq, r);
        return true;
    });
    result.more = looked_at == records && result.last < until;
    if (looked_at < records)
        result.last = std::max(result.last, until);
    result.events.reserve(seen.size());
    std::size_t runs_read = 0;
    for (const auto& [seq, r] : seen) {
        if (!runs_.contains(r.run) && ++runs_read > most_runs_read_at_once) {
            result.last = journal::record_seq(seq.value() - 1);
            result.more = true;
            break;
        }
        auto run = run_of(r.run);
        if (!run)
            continue;
        if (auto e = event_of(seq, r, std::move(run)))
            result.events.push_back(std::move(*e));
    }
    return result;
}

std::shared_ptr<const event_run> event_source::run_of(journal::run_number number)
{
    if (const auto known = runs_.find(number); known != runs_.end())
        return known->second;
    if (runs_.size() >= most_runs_known)
        runs_.clear();
    return runs_.emplace(number, read_run(number)).first->second;
}

std::shared_ptr<const event_run> event_source::read_run(journal::run_number number)
{
    journal::run_filter filter;
    filter.before = journal::run_number(number.value() + 1);
    filter.limit = 1;
    const auto found = reader_.runs(filter);
    if (found.empty() || found.front().number != number)
        return nullptr;
    const auto& row = found.front();
    auto run = std::make_shared<event_run>(
        event_run{row.id, row.dag_name, origin_of(row.origin), head_of(row.id, row.dag_name), {}});
    try {
        run->tasks = reader_.dag_of(number).tasks;
    } catch (const journal::store_error& e) {
        if (e.kind() != journal::store_error_kind::not_found)
            throw;
        return nullptr; // It has been removed meanwhile.
    }
    return run;
}

} // namespace potoo::server
