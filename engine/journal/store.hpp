#pragma once
/// @file
/// The store port: where the journal is kept. Readers may be many; one store at a time writes.

#include "engine/journal/entry.hpp"
#include "engine/journal/item_row.hpp"
#include "engine/journal/record.hpp"
#include "engine/journal/store_error.hpp"

#include <potoo/ids.hpp>
#include <potoo/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::journal {

/// The DAG of a run as it was when the run was created. Equal ones are kept once.
struct dag_document
{
    std::string name;
    std::string source_name;
    std::string source;
    std::uint64_t hash = 0;         ///< of `source`
    std::vector<std::string> tasks; ///< names, by `task_index`
};

/// A run that is to be created. Its number is the store's `next_run`, or follows that of the run before it.
struct new_run
{
    run_number number;
    run_id id;
    std::shared_ptr<const dag_document> dag; ///< never null
    std::string params;                      ///< JSON object
    std::string owner;                       ///< engine that runs it; empty = nobody yet
    std::uint64_t epoch = 1;
    wall_time created{};
    std::string origin; ///< JSON object that says why there is this run; empty = nobody has said it
};

/// What is appended together: all of it becomes durable, or none.
struct batch
{
    std::vector<new_run> runs;
    std::vector<record> records;
    std::vector<log_chunk> logs;
    std::vector<entry_change> changes; ///< carried out one after another

    [[nodiscard]] std::size_t size() const noexcept
    {
        return runs.size() + records.size() + logs.size() + changes.size();
    }

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    void clear() noexcept
    {
        runs.clear();
        records.clear();
        logs.clear();
        changes.clear();
    }
};

/// A run as it is listed. `state`, `started` and `ended` follow from its run_started, paused, resumed and run_ended.
struct run_row
{
    run_number number;
    run_id id;
    std::string dag_name;
    std::string params;
    recorded_state state = recorded_state::queued;
    std::string owner;
    std::uint64_t epoch = 0;
    wall_time created{};
    std::optional<wall_time> started;
    std::optional<wall_time> ended;
    std::string origin; ///< JSON object that says why there is this run; empty = nobody has said it
};

/// Which runs to list. Conditions that are given must all hold.
struct run_filter
{
    bool unfinished = false;            ///< only runs that have not ended
    bool unreconciled = false;          ///< only runs that have ended and left an `unconfirmed_remote`
    std::string id_prefix{};            ///< only runs whose id begins so
    std::string dag_name{};             ///< only runs of this DAG
    std::optional<run_number> before{}; ///< only older runs: the last one of the page before
    std::size_t limit = 0;              ///< at most so many; 0 = all
    std::optional<recorded_state> state{};
    std::optional<wall_time> created_after{};  ///< only runs created then or later
    std::optional<wall_time> created_before{}; ///< only runs created earlier
    std::string origin_by{};                   ///< only runs whose origin has this as its member `by`
    std::string origin_key{};                  ///< likewise `key`
    std::string origin_who{};                  ///< likewise `who`
};

/// Where a task of a run stands, all its items together.
struct task_row
{
    task_index task;
    std::string name;
    recorded_state state = recorded_state::pending;
    std::uint32_t items = 1;
    std::array<std::uint32_t, recorded_state_count> counts{}; ///< items by `recorded_state`
    std::uint32_t attempts = 0;                               ///< of all items
    std::optional<wall_time> started;
    std::optional<wall_time> ended;
    std::string output; ///< JSON text of a task with one item that succeeded; else empty
    std::string error;  ///< JSON text of the last error; empty = none

    friend bool operator==(const task_row&, const task_row&) = default;
};

/// Which logs to read: all of a run, of a task, of an item or of one attempt.
struct log_filter
{
    run_number run{};
    std::optional<task_index> task{};
    std::optional<item_index> item{};
    std::optional<attempt_number> attempt{};
    std::uint64_t after = 0; ///< only chunks later than the one with this position
};

/// A remote job that was given up before the remote side confirmed its end: it may run still. It is one from its
/// `remote_unconfirmed` record to its `remote_confirmed`.
struct unconfirmed_remote
{
    run_number run;
    task_index task;
    item_index item;
    attempt_number attempt;
    std::string token; ///< launch token
    std::string why;   ///< JSON text; empty = not said

    friend bool operator==(const unconfirmed_remote&, const unconfirmed_remote&) = default;
};

/// Which ended runs are kept; the others may be removed. Each DAG, by its name, is looked at by itself. A run is kept
/// while *either* rule keeps it. With no rule all are kept. Kept in any case: a run that has not ended, and one that
/// has an `unconfirmed_remote`.
struct retention
{
    std::optional<run_number> only{};         ///< remove this run, whatever the rules say, and no other
    std::optional<std::uint32_t> keep_runs{}; ///< the newest ended runs of each DAG, so many
    std::optional<duration> keep_for{};       ///< runs that ended no longer ago than this
    std::string dag_name{};                   ///< the rules are for this DAG only; empty = for each

    friend bool operator==(const retention&, const retention&) = default;
};

/// What was removed.
struct pruned
{
    std::size_t runs = 0;
    std::size_t records = 0;
    std::size_t logs = 0; ///< pieces of logs
    std::size_t dags = 0; ///< that no run has any more
    bool more = false;    ///< there is more to do

    pruned& operator+=(const pruned& next) noexcept
    {
        runs += next.runs;
        records += next.records;
        logs += next.logs;
        dags += next.dags;
        more = next.more;
        return *this;
    }
};

/// Looks at what is durable. Not for two threads at once; make one reader per thread. Every member throws
/// `store_error`; `corrupt` when what it reads is not what was written.
class reader
{
  public:
    reader() = default;
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    virtual ~reader() = default;

    /// Newest first.
    [[nodiscard]] virtual std::vector<run_row> runs(const run_filter& filter) = 0;

    /// @throws store_error `not_found` when there is no such run
    [[nodiscard]] virtual dag_document dag_of(run_number run) = 0;

    /// Called with a record, in order of `record_seq`; false ends the reading.
    using record_visitor = std::function<bool(record_seq, const record&)>;

    /// The records of a run from `from` on, itself included. The visitor must not use this reader.
    virtual void records(run_number run, record_seq from, const record_visitor& visit) = 0;

    /// The records of all runs later than `after`, at most `limit`; 0 = all. Those of runs that were removed are not
    /// among them. The visitor must not use this reader.
    virtual void records_since(record_seq after, std::size_t limit, const record_visitor& visit) = 0;

    /// The last record that there is, or was before its run was removed; 0 = none yet.
    [[nodiscard]] virtual record_seq last_seq() = 0;

    /// Up to this record some may be gone, for their runs were removed; 0 = none was.
    [[nodiscard]] virtual record_seq removed_up_to() = 0;

    /// Called with the chunk's position, in order of position; false ends the reading.
    using log_visitor = std::function<bool(std::uint64_t position, const log_chunk&)>;

    /// The visitor must not use this reader.
    virtual void logs(const log_filter& filter, const log_visitor& visit) = 0;

    /// Every task of the run's DAG, in order of `task_index`.
    [[nodiscard]] virtual std::vector<task_row> tasks(run_number run) = 0;

    /// Items of a task, in the order of `item_cursor`. The first page of a task of a run reads what the journal has of
    /// that run (about 0.4 µs a record, so that 100,000 items take 0.2 s: not for the loop's thread); the next pages,
    /// from the same reader, only what was added since. Records are checked where something of them is shown.
    [[nodiscard]] virtual std::vector<item_row> items(run_number run, const item_filter& filter) = 0;

    /// The attempts of an item, in order of their numbers.
    [[nodiscard]] virtual std::vector<attempt_row> attempts(run_number run, task_index task, item_index item) = 0;

    /// The value of an entry.
    [[nodiscard]] virtual std::optional<std::string> entry(const std::string& kind, const std::string& key) = 0;

    /// The entries of a kind whose key is after `after`, in order of their keys' bytes, at most `limit`; 0 = all.
    [[nodiscard]] virtual std::vector<entry_row> entries(const std::string& kind, const std::string& after,
                                                         std::size_t limit) = 0;

    /// The remote jobs that may run still, of one run or of all, in order of run, task, item and attempt.
    [[nodiscard]] virtual std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run) = 0;

    /// The runs that `store::prune` would remove, oldest first.
    [[nodiscard]] virtual std::vector<run_row> prunable(const retention& keep, wall_time now) = 0;
};

/// Keeps the journal. For one thread at a time.
class store : public reader
{
  public:
    /// The number that the next run must have.
    [[nodiscard]] virtual run_number next_run() const = 0;

    /// Appends all of `b`, in order, and returns when it is durable.
    /// @throws store_error when nothing of it was appended; the same batch may be given again
    virtual append_result append(const batch& b) = 0;

    /// Makes `owner` the owner of a run under a new epoch. @return that epoch
    virtual std::uint64_t claim(run_number run, const std::string& owner) = 0;

    /// Does one piece of housekeeping, such as folding an ended run into its snapshot. @return whether there was any
    virtual bool maintain() = 0;

    /// Removes runs that `keep` does not keep, oldest first, with all that belongs to them. Does one piece of it: looks
    /// at about `at_most` records and pieces of logs; to be called again with the same arguments while the result says
    /// `more`. A run is gone (`not_found`) from its first piece on; its number is never used again.
    /// @throws store_error when nothing of this piece was done
    virtual pruned prune(const retention& keep, wall_time now, std::size_t at_most) = 0;
};

} // namespace potoo::journal
