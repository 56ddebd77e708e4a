#pragma once
/// @file
/// A set of small numbers that gives its smallest member: a tree of bitmaps, 64 children a node.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace potoo::schedule {

/// Members are below the capacity. All operations take a handful of steps: one per factor 64 of the capacity.
class rank_set
{
  public:
    explicit rank_set(std::uint32_t capacity = 0);

    /// No effect when `rank` is a member.
    void insert(std::uint32_t rank) noexcept;

    /// No effect when `rank` is not a member.
    void erase(std::uint32_t rank) noexcept;

    [[nodiscard]] bool empty() const noexcept { return words_.back() == 0; }

    /// The smallest member.
    [[nodiscard]] std::optional<std::uint32_t> first() const noexcept;

    void clear() noexcept;

  private:
    std::vector<std::uint64_t> words_;      ///< leaves first, the root word last
    std::vector<std::size_t> level_begins_; ///< position in `words_` of each level, leaves first
};

} // namespace potoo::schedule
