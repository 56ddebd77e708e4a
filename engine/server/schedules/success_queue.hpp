#pragma once
/// @file
/// Successes of other DAGs that a schedule is to follow.

#include <potoo/ids.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace potoo::server {

/// In the order in which they came.
class success_queue
{
  public:
    struct success
    {
        run_id id;
        wall_time at{};
        bool missed = false; ///< it came while the DAG was held back: `catchup` says what becomes of it
    };

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

    /// Not of an empty one.
    [[nodiscard]] const success& front() const { return waiting_.front(); }

    /// @return false when that run is in it already
    bool add(success s);

    void remove(const run_id& id);

    void clear() noexcept { waiting_.clear(); }

    /// Of those that were missed, all but the latest `most`.
    [[nodiscard]] std::vector<success> missed_but(std::size_t most) const;

    /// When the earliest of them was; nothing when there is none.
    [[nodiscard]] std::optional<wall_time> earliest() const;

  private:
    std::deque<success> waiting_;
};

} // namespace potoo::server
