#pragma once
// The disk: what was appended before the engine died survives it, nothing else does. It can be full, and it can be made
// to lie.

#include "engine/journal/memory_store.hpp"

#include <functional>

namespace potoo::sim {

class lossy_store final : public journal::store
{
  public:
    /// Called with everything that became durable.
    void on_durable(std::function<void(const journal::batch&)> f) { on_durable_ = std::move(f); }

    /// The engine that writes is dead: nothing more of it is taken.
    void cut() noexcept { cut_ = true; }

    /// Another engine begins.
    void restore() noexcept { cut_ = false; }

    void set_full(bool full) noexcept { full_ = full; }

    [[nodiscard]] bool full() const noexcept { return full_; }

    /// Every `n`th batch is called durable and is not. 0 = none.
    void lie_about_every(unsigned n) noexcept { lies_ = n; }

    [[nodiscard]] std::uint64_t commits() const noexcept { return commits_; }

    [[nodiscard]] std::vector<journal::run_row> runs(const journal::run_filter& f) override { return kept_.runs(f); }

    [[nodiscard]] journal::dag_document dag_of(journal::run_number r) override { return kept_.dag_of(r); }

    void records(journal::run_number r, journal::record_seq from, const record_visitor& visit) override
    {
        kept_.records(r, from, visit);
    }

    void records_since(journal::record_seq after, std::size_t limit, const record_visitor& visit) override
    {
        kept_.records_since(after, limit, visit);
    }

    [[nodiscard]] journal::record_seq last_seq() override { return kept_.last_seq(); }

    [[nodiscard]] journal::record_seq removed_up_to() override { return kept_.removed_up_to(); }

    void logs(const journal::log_filter& f, const log_visitor& visit) override { kept_.logs(f, visit); }

    [[nodiscard]] std::vector<journal::task_row> tasks(journal::run_number r) override { return kept_.tasks(r); }

    [[nodiscard]] std::vector<journal::item_row> items(journal::run_number r, const journal::item_filter& f) override
    {
        return kept_.items(r, f);
    }

    [[nodiscard]] std::vector<journal::attempt_row> attempts(journal::run_number r, task_index t, item_index i) override
    {
        return kept_.attempts(r, t, i);
    }

    [[nodiscard]] std::optional<std::string> entry(const std::string& kind, const std::string& key) override
    {
        return kept_.entry(kind, key);
    }

    [[nodiscard]] std::vector<journal::entry_row> entries(const std::string& kind, const std::string& after,
                                                          std::size_t limit) override
    {
        return kept_.entries(kind, after, limit);
    }

    [[nodiscard]] std::vector<journal::unconfirmed_remote> unconfirmed(std::optional<journal::run_number> r) override
    {
        return kept_.unconfirmed(r);
    }

    [[nodiscard]] std::vector<journal::run_row> prunable(const journal::retention& keep, wall_time now) override
    {
        return kept_.prunable(keep, now);
    }

    [[nodiscard]] journal::run_number next_run() const override { return kept_.next_run(); }

    journal::append_result append(const journal::batch& b) override;

    std::uint64_t claim(journal::run_number r, const std::string& owner) override { return kept_.claim(r, owner); }

    bool maintain() override { return kept_.maintain(); }

    journal::pruned prune(const journal::retention& keep, wall_time now, std::size_t at_most) override
    {
        return kept_.prune(keep, now, at_most);
    }

  private:
    journal::memory_store kept_;
    std::function<void(const journal::batch&)> on_durable_;
    bool cut_ = false;
    bool full_ = false;
    unsigned lies_ = 0;
    std::uint64_t commits_ = 0;
};

} // namespace potoo::sim
