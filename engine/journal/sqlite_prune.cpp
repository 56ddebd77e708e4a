#include "engine/journal/sqlite_prune.hpp"

#include "engine/journal/damage.hpp"
#include "engine/journal/sqlite_columns.hpp"
#include "engine/journal/sqlite_schema.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace potoo::journal {

namespace {

constexpr std::size_t runs_at_once = 256;
constexpr int pages_at_once = 256;
constexpr std::int64_t incremental = 2; ///< `PRAGMA auto_vacuum`

} // namespace

/// Runs a statement with up to two numbers. @return how many rows it has changed
std::size_t sqlite_pruner::changes(const char* sql, std::int64_t first, std::int64_t second)
{
    auto statement = connection_.prepare(sql);
    statement.bind(1, first).bind(2, second).run();
    return static_cast<std::size_t>(connection_.integer("SELECT changes()"));
}

pruned sqlite_pruner::prune(const retention& keep, wall_time now, std::size_t at_most)
{
    if (request wanted{keep, now}; request_ != wanted)
        begin(std::move(wanted));
    piece p;
    p.budget = std::max<std::size_t>(at_most, 1);
    try {
        sqlite_transaction transaction(connection_, "BEGIN IMMEDIATE");
        work(p);
        transaction.commit();
    } catch (const store_error&) {
        request_.reset();
        throw;
    }
    if (!p.done.more)
        request_.reset();
    return p.done;
}

void sqlite_pruner::begin(request wanted)
{
    candidates_.clear();
    for (const auto& row : view_.prunable(wanted.keep, wanted.now))
        candidates_.push_back(row.number.value());
    std::ranges::reverse(candidates_);
    dags_removed_ = false;
    request_ = std::move(wanted);
}

void sqlite_pruner::work(piece& p)
{
    while (p.budget > 0) {
        if (const auto run = run_being_removed())
            remove_some(*run, p);
        else if (!take_runs(p))
            break;
    }
    if (p.budget > 0 && !dags_removed_)
        remove_dags(p);
    p.done.more = p.budget == 0 || give_back_space();
}

std::optional<std::int64_t> sqlite_pruner::run_being_removed()
{
    auto query = connection_.prepare("SELECT run FROM run_being_removed ORDER BY run LIMIT 1");
    return query.step() ? std::optional(query.integer(0)) : std::nullopt;
}

/// @return false when there is no other
bool sqlite_pruner::take_runs(piece& p)
{
    if (candidates_.empty())
        return false;
    connection_.execute("UPDATE highest_removed SET run = max(run, coalesce((SELECT max(run) FROM run), 0)), "
                        "seq = max(seq, coalesce((SELECT max(seq) FROM journal), 0))");
    // It may have gone on, or left an unconfirmed job, since the candidates were looked for.
    auto take = connection_.prepare("DELETE FROM run WHERE run = ?1 AND ended IS NOT NULL "
                                    "AND (?2 IS NULL OR ended < ?2) "
                                    "AND run NOT IN (SELECT run FROM unconfirmed_remote) RETURNING run");
    auto note = connection_.prepare("INSERT INTO run_being_removed VALUES (?1)");
    if (request_->keep.keep_for)
        take.bind(2, to_integer(request_->now - *request_->keep.keep_for));
    for (std::size_t i = 0; i < runs_at_once && !candidates_.empty(); ++i, candidates_.pop_back()) {
        const bool taken = take.bind(1, candidates_.back()).step();
        take.run();
        if (!taken)
            continue;
        note.bind(1, candidates_.back()).run();
        ++p.done.runs;
    }
    return true;
}

/// Something that belongs to the run, or the run from the list when nothing is left.
void sqlite_pruner::remove_some(std::int64_t run, piece& p)
{
    if (remove_extent(run, p))
        return;
    const auto limit = static_cast<std::int64_t>(p.budget);
    const auto logs = changes("DELETE FROM log_chunk WHERE chunk IN "
                              "(SELECT chunk FROM log_chunk WHERE run = ?1 LIMIT ?2)",
                              run, limit);
    p.done.logs += logs;
    p.spend(logs);
    if (p.budget == 0)
        return;
    const auto rows = changes("DELETE FROM task_snapshot WHERE run = ?1 AND task IN "
                              "(SELECT task FROM task_snapshot WHERE run = ?1 LIMIT ?2)",
                              run, static_cast<std::int64_t>(p.budget));
    p.spend(rows + 1);
    if (p.budget > 0 || rows == 0)
        changes("DELETE FROM run_being_removed WHERE run = ?1 AND ?2", run, 1);
}

/// The records of an extent, of all runs that are being removed. @return false when the run has none
bool sqlite_pruner::remove_extent(std::int64_t run, piece& p)
{
    auto query = connection_.prepare("SELECT extent FROM journal_extent WHERE run = ?1 LIMIT 1");
    if (!query.bind(1, run).step())
        return false;
    const auto extent = query.integer(0);
    query.reset();
    if (constexpr auto most = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(extent_size) - 1;
        extent < 0 || extent > most)
        refuse_damaged(connection_.file(), fmt::format("a run has records in the extent {}", extent));
    const auto first = extent * static_cast<std::int64_t>(extent_size);
    p.done.records += changes("DELETE FROM journal WHERE seq BETWEEN ?1 AND ?2 "
                              "AND +run IN (SELECT run FROM run_being_removed)",
                              first, first + static_cast<std::int64_t>(extent_size) - 1);
    changes("DELETE FROM journal_extent WHERE run IN (SELECT run FROM run_being_removed) AND extent = ?1 AND ?2",
            extent, 1);
    p.spend(extent_size);
    return true;
}

void sqlite_pruner::remove_dags(piece& p)
{
    while (p.budget > 0) {
        auto query = connection_.prepare("SELECT dag FROM dag WHERE dag NOT IN (SELECT dag FROM run) LIMIT 1");
        if (!query.step()) {
            dags_removed_ = true;
            return;
        }
        const auto dag = query.integer(0);
        query.reset();
        const auto rows = changes("DELETE FROM dag_task WHERE dag = ?1 AND task IN "
                                  "(SELECT task FROM dag_task WHERE dag = ?1 LIMIT ?2)",
                                  dag, static_cast<std::int64_t>(p.budget));
        p.spend(rows);
        if (p.budget == 0)
            return;
        p.done.dags += changes("DELETE FROM dag WHERE dag = ?1 AND ?2", dag, 1);
        p.spend(1);
    }
}

/// @return whether there is more to give back
bool sqlite_pruner::give_back_space()
{
    if (connection_.integer("PRAGMA auto_vacuum") != incremental)
        return false;
    connection_.execute(fmt::format("PRAGMA incremental_vacuum({})", pages_at_once));
    return connection_.integer("PRAGMA freelist_count") > 0;
}

} // namespace potoo::journal
