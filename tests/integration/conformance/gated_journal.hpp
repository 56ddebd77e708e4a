#pragma once
/// @file
/// A journal that stops an engine at a chosen record: so that it can be killed there.

#include "engine/journal/memory_store.hpp"
#include "engine/journal/store.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace potoo::conformance {

/// Where the journal stands still.
enum class gate_side : std::uint8_t
{
    before, ///< the record is not durable
    after,  ///< it is durable, and nobody was told
};

/// One engine's way to a store that outlives it. Safe to use from the engine's thread and the writer's.
class gated_journal final : public journal::store
{
  public:
    explicit gated_journal(journal::memory_store& kept) : kept_(kept) {}

    /// From the first record of that kind on nothing is written or told.
    void close_at(journal::record_kind kind, gate_side side);

    /// A record that the gate was closed at has come.
    [[nodiscard]] bool reached();

    /// The engine is gone: whatever it still wants to write is not written.
    void crash();

    std::vector<journal::run_row> runs(const journal::run_filter& filter) override;
    journal::dag_document dag_of(journal::run_number run) override;
    void records(journal::run_number run, journal::record_seq from, const record_visitor& visit) override;
    void records_since(journal::record_seq after, std::size_t limit, const record_visitor& visit) override;
    journal::record_seq last_seq() override;
    journal::record_seq removed_up_to() override;
    void logs(const journal::log_filter& filter, const log_visitor& visit) override;
    std::vector<journal::task_row> tasks(journal::run_number run) override;
    std::vector<journal::item_row> items(journal::run_number run, const journal::item_filter& filter) override;
    std::vector<journal::attempt_row> attempts(journal::run_number run, task_index task, item_index item) override;
    std::optional<std::string> entry(const std::string& kind, const std::string& key) override;
    std::vector<journal::entry_row> entries(const std::string& kind, const std::string& after,
                                            std::size_t limit) override;
    std::vector<journal::unconfirmed_remote> unconfirmed(std::optional<journal::run_number> run) override;
    std::vector<journal::run_row> prunable(const journal::retention& r, wall_time now) override;
    journal::run_number next_run() const override;
    journal::append_result append(const journal::batch& b) override;
    std::uint64_t claim(journal::run_number run, const std::string& owner) override;
    bool maintain() override;
    journal::pruned prune(const journal::retention& r, wall_time now, std::size_t at_most) override;

  private:
    void stand_still(std::unique_lock<std::mutex>& lock);

    journal::memory_store& kept_;
    mutable std::mutex mutex_;
    std::condition_variable crashed_;
    std::optional<journal::record_kind> closed_at_;
    gate_side side_ = gate_side::before;
    bool reached_ = false;
    bool dead_ = false;
};

} // namespace potoo::conformance
