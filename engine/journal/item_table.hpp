#pragma once
/// @file
/// From records to where each item of one task stands.

#include "engine/journal/item_row.hpp"
#include "engine/journal/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace potoo::journal {

/// Folds the records of one task of one run, given in order. Small enough for 100,000 items: texts stay where they are.
class item_table
{
  public:
    /// A row whose texts are to be read: 0 = there is none.
    struct place
    {
        item_row row;
        record_seq key{0};
        record_seq output{0};
        record_seq error{0};
    };

    /// Of the texts of `r` it only matters whether they are empty.
    void apply(record_seq seq, const record& r);

    [[nodiscard]] std::vector<place> page(const item_filter& filter) const;

  private:
    struct item_state
    {
        recorded_state state = recorded_state::none;
        std::uint32_t attempts = 0;
        std::optional<wall_time> started;
        std::optional<wall_time> last_end;
        record_seq key{0};
        record_seq last{0};
        record_seq error{0};
    };

    [[nodiscard]] std::uint64_t size() const noexcept;
    [[nodiscard]] bool over() const noexcept;
    [[nodiscard]] recorded_state state_of(const item_state& i) const noexcept;
    [[nodiscard]] recorded_state state_of_the_rest() const noexcept;
    [[nodiscard]] place place_of(item_index index, const item_state& i) const;
    void add_failed(const item_filter& filter, std::vector<place>& out) const;
    void add_others(const item_filter& filter, std::vector<place>& out) const;

    std::map<item_index, item_state> items_;
    std::optional<std::uint32_t> evaluated_;
    std::optional<recorded_state> ended_as_; ///< by task_ended, unless an item moved after it
    std::optional<wall_time> ended_at_;
};

} // namespace potoo::journal
