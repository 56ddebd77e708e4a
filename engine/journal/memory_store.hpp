#pragma once
/// @file
/// A journal that ends with its process: for `--ephemeral` and for tests.

#include "engine/journal/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::journal {

/// Keeps everything in memory; every append is "durable" at once.
class memory_store final : public store
{
  public:
    [[nodiscard]] std::vector<run_row> runs(const run_filter& filter) override;
    [[nodiscard]] dag_document dag_of(run_number run) override;
    void records(run_number run, record_seq from, const record_visitor& visit) override;
    void logs(const log_filter& filter, const log_visitor& visit) override;
    [[nodiscard]] std::vector<task_row> tasks(run_number run) override;
    [[nodiscard]] std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run) override;
    [[nodiscard]] std::vector<run_row> prunable(const retention& keep, wall_time now) override;
    [[nodiscard]] run_number next_run() const override;
    void append(const batch& b) override;
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

    std::map<run_number, stored_run> runs_;
    run_number next_run_{1};
    std::uint64_t last_seq_ = 0;
    std::uint64_t last_log_ = 0;
};

} // namespace potoo::journal
