#pragma once
/// @file
/// A journal that ends with its process: for `--ephemeral` and for tests.

#include "engine/journal/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::journal {

/// Keeps everything in memory; every append is "durable" at once.
class memory_store final : public store
{
  public:
    [[nodiscard]] std::vector<run_row> runs(const run_filter& filter) override;
    [[nodiscard]] dag_document dag_of(run_number run) override;
    void records(run_number run, record_seq from, const record_visitor& visit) override;
    void records_since(record_seq after, std::size_t limit, const record_visitor& visit) override;
    [[nodiscard]] record_seq last_seq() override;
    [[nodiscard]] record_seq removed_up_to() override;
    void logs(const log_filter& filter, const log_visitor& visit) override;
    [[nodiscard]] std::vector<task_row> tasks(run_number run) override;
    [[nodiscard]] std::vector<item_row> items(run_number run, const item_filter& filter) override;
    [[nodiscard]] std::vector<attempt_row> attempts(run_number run, task_index task, item_index item) override;
    [[nodiscard]] std::optional<std::string> entry(const std::string& kind, const std::string& key) override;
    [[nodiscard]] std::vector<entry_row> entries(const std::string& kind, const std::string& after,
                                                 std::size_t limit) override;
    [[nodiscard]] std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run) override;
    [[nodiscard]] std::vector<run_row> prunable(const retention& keep, wall_time now) override;
    [[nodiscard]] run_number next_run() const override;
    append_result append(const batch& b) override;
    std::uint64_t claim(run_number run, const std::string& owner) override;
    bool maintain() override;
    pruned prune(const retention& keep, wall_time now, std::size_t at_most) override;

  private:
    struct stored_record
    {
        record_seq seq;
        record value;
    };

    struct stored_log
    {
        std::uint64_t position;
        log_chunk value;
    };

    struct stored_run
    {
        run_row row;
        std::shared_ptr<const dag_document> dag;
        std::vector<stored_record> records;
        std::vector<stored_log> logs;
        std::vector<unconfirmed_remote> unconfirmed; ///< sorted
    };

    stored_run& at(run_number run);
    bool carry_out(const entry_change& change);

    std::map<run_number, stored_run> runs_;
    std::vector<std::pair<record_seq, run_number>> order_;              ///< of the records of all runs
    std::map<std::string, std::map<std::string, std::string>> entries_; ///< by kind, then key
    record_seq removed_up_to_{0};
    run_number next_run_{1};
    std::uint64_t last_seq_ = 0;
    std::uint64_t last_log_ = 0;
};

} // namespace potoo::journal
