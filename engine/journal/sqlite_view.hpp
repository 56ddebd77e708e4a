#pragma once
/// @file
/// Reading `potoo.db`, whether it is open for writing or not.

#include "engine/journal/item_table.hpp"
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
    void records_since(record_seq after, std::size_t limit, const reader::record_visitor& visit);
    record_seq removed_up_to();
    void logs(const log_filter& filter, const reader::log_visitor& visit);
    std::vector<task_row> tasks(run_number run);
    std::vector<item_row> items(run_number run, const item_filter& filter);
    std::vector<attempt_row> attempts(run_number run, task_index task, item_index item);
    std::optional<std::string> entry(const std::string& kind, const std::string& key);
    std::vector<entry_row> entries(const std::string& kind, const std::string& after, std::size_t limit);
    std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run);
    std::vector<run_row> prunable(const retention& keep, wall_time now);

  private:
    /// The items of the task that was asked for last: whoever asks for a page asks for the next.
    struct known_items
    {
        run_number run;
        task_index task;
        record_seq next{0}; ///< to be read
        item_table table;
    };

    std::vector<run_row> read_runs(sqlite_statement& query);
    [[noreturn]] void refuse_record(run_number run, std::uint64_t seq);
    std::int64_t check(run_number run, const char* column);
    std::vector<std::string> task_names(std::int64_t dag);
    std::vector<task_row> folded_tasks(run_number run);
    [[nodiscard]] record check_record(const sqlite_statement& row, run_number run);
    record record_at(run_number run, record_seq seq);
    void read_items(known_items& known);

    sqlite_connection& connection_;
    std::optional<known_items> items_;
};

} // namespace potoo::journal
