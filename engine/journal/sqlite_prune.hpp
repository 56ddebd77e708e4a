#pragma once
/// @file
/// Removing runs from `potoo.db`, a piece at a time.

#include "engine/journal/sqlite_connection.hpp"
#include "engine/journal/sqlite_view.hpp"
#include "engine/journal/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace potoo::journal {

/// `store::prune`. The first piece takes a run out of `run` and into `run_being_removed`; what belongs to it follows,
/// also when the engine was killed in between and another prunes later. At the end, DAGs that no run has go, and free
/// pages are given back to the file system where the file was made for it.
class sqlite_pruner
{
  public:
    /// Both must outlive it.
    sqlite_pruner(sqlite_connection& connection, sqlite_view& view) : connection_(connection), view_(view) {}

    pruned prune(const retention& keep, wall_time now, std::size_t at_most);

  private:
    struct request
    {
        retention keep;
        wall_time now;

        friend bool operator==(const request&, const request&) = default;
    };

    struct piece
    {
        pruned done;
        std::size_t budget = 0;

        void spend(std::size_t rows) noexcept { budget -= rows < budget ? rows : budget; }
    };

    void begin(request wanted);
    void work(piece& p);
    std::optional<std::int64_t> run_being_removed();
    bool take_runs(piece& p);
    void remove_some(std::int64_t run, piece& p);
    bool remove_extent(std::int64_t run, piece& p);
    void remove_dags(piece& p);
    bool give_back_space();
    std::size_t changes(const char* sql, std::int64_t first, std::int64_t second);

    sqlite_connection& connection_;
    sqlite_view& view_;
    std::optional<request> request_;
    std::vector<std::int64_t> candidates_; ///< runs to take, the next one last
    bool dags_removed_ = false;
};

} // namespace potoo::journal
