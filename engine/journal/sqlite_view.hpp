#pragma once
/// @file
/// Reading `potoo.db`, whether it is open for writing or not.

#include "engine/journal/sqlite_connection.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace potoo::journal {

/// The `reader` half of a store, over any connection, which must outlive it.
class sqlite_view
{
  public:
    explicit sqlite_view(sqlite_connection& connection) : connection_(connection) {}

    std::vector<run_row> runs(const run_filter& filter);
    dag_document dag_of(run_number run);
    void records(run_number run, record_seq from, const reader::record_visitor& visit);
    void logs(const log_filter& filter, const reader::log_visitor& visit);
    std::vector<task_row> tasks(run_number run);
    std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run);
    std::vector<run_row> prunable(const retention& keep, wall_time now);

  private:
    std::vector<run_row> read_runs(sqlite_statement& query);
    [[noreturn]] void refuse_record(run_number run, std::uint64_t seq);
    std::int64_t check(run_number run, const char* column);
    std::vector<std::string> task_names(std::int64_t dag);
    std::vector<task_row> folded_tasks(run_number run);

    sqlite_connection& connection_;
};

} // namespace potoo::journal
