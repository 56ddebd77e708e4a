#pragma once
/// @file
/// The rows of a statement as JSON, as many as a task's output can hold.

#include <potoo/json.hpp>
#include <potoo/postgres.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace potoo::sql {

class kept_rows final : public postgres::row_sink
{
  public:
    /// All rows together, as JSON.
    static constexpr std::size_t most_bytes = 4'000'000;

    /// @param may_cancel the statement has no effect, so that it may be cancelled when there are rows enough
    kept_rows(std::size_t max_rows, bool may_cancel) noexcept : max_rows_(max_rows), may_cancel_(may_cancel) {}

    void columns(std::span<const postgres::column> c) override;
    wish row(std::span<const postgres::cell> cells) override;

    /// Rows were left out, because they were too large.
    [[nodiscard]] bool too_large() const noexcept { return too_large_; }

    /// `{rows, columns, row_count, rows_affected, command, truncated}`. Once.
    [[nodiscard]] json::object output(const postgres::completion& end);

  private:
    [[nodiscard]] wish enough() noexcept;

    std::size_t max_rows_;
    bool may_cancel_;
    bool truncated_ = false;
    bool too_large_ = false;
    std::size_t bytes_ = 0;
    std::vector<std::string> names_; ///< each is there once
    std::vector<std::uint32_t> types_;
    json::array rows_;
};

} // namespace potoo::sql
