#pragma once
/// @file
/// Adding records and runs to `potoo.db`, within a transaction of the caller's.

#include "engine/journal/record.hpp"
#include "engine/journal/sqlite_connection.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>
#include <unordered_map>

namespace potoo::journal {

/// The last record that there is, or was before it was removed.
[[nodiscard]] record_seq last_record_of(sqlite_connection& connection);

/// Appends rows of `journal`, and tells `journal_extent` of each extent that a run enters.
class record_appender
{
  public:
    explicit record_appender(sqlite_connection& connection)
        : insert_(
              connection.prepare("INSERT INTO journal VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)")),
          insert_extent_(connection.prepare("INSERT OR IGNORE INTO journal_extent VALUES (?1, ?2)")),
          next_(last_record_of(connection).value() + 1)
    {}

    void append(const record& r);

    [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

    /// After a rollback: goes on from where the transaction began.
    void rewind(std::uint64_t next)
    {
        next_ = next;
        entered_.clear();
    }

    void forget(run_number run) { entered_.erase(run); }

  private:
    sqlite_statement insert_;
    sqlite_statement insert_extent_;
    std::uint64_t next_;
    std::unordered_map<run_number, std::uint64_t> entered_; ///< the last extent each run has a record in
};

/// Keeps the list of remote jobs that may run still.
class unconfirmed_list
{
  public:
    explicit unconfirmed_list(sqlite_connection& connection)
        : insert_(connection.prepare("INSERT OR REPLACE INTO unconfirmed_remote VALUES (?1, ?2, ?3, ?4, ?5, ?6)")),
          remove_(connection.prepare("DELETE FROM unconfirmed_remote WHERE run = ?1 AND task = ?2 AND item = ?3 "
                                     "AND attempt = ?4 AND (?5 = '' OR token = ?5)"))
    {}

    void apply(const record& r);

  private:
    sqlite_statement insert_;
    sqlite_statement remove_;
};

/// Adds runs, and their DAGs where an equal one is not there yet.
class run_creator
{
  public:
    explicit run_creator(sqlite_connection& connection) : connection_(connection) {}

    void create(const new_run& run);

  private:
    std::int64_t dag_number(const dag_document& dag);

    sqlite_connection& connection_;
};

} // namespace potoo::journal
