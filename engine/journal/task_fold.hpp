#pragma once
/// @file
/// From records to where each task stands. The SQL views of the SQLite store say the same; a test holds them together.

#include "engine/journal/record.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace potoo::journal {

/// Folds the records of one run, given in order.
class task_fold
{
  public:
    void apply(const record& r);

    /// One row for each of the tasks named, by `task_index`; `pending` when no record speaks of it.
    [[nodiscard]] std::vector<task_row> rows(std::span<const std::string> names) const;

  private:
    struct item_state
    {
        recorded_state state = recorded_state::none;
        std::uint32_t attempts = 0;
        std::string output;
    };

    struct task_state
    {
        std::optional<std::uint32_t> evaluated;
        std::optional<recorded_state> ended_as; ///< by task_ended, unless an item moved after it
        std::optional<wall_time> ended_at;
        std::string output;
        std::string error;
        std::optional<wall_time> started;
        std::optional<wall_time> last_end;
        std::map<item_index, item_state> items;
    };

    static void apply_to_item(task_state& t, const record& r);
    static task_row row_of(const task_state& t);

    std::map<task_index, task_state> tasks_;
};

} // namespace potoo::journal
