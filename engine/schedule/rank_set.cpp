#include "engine/schedule/rank_set.hpp"

#include <algorithm>
#include <bit>

namespace potoo::schedule {

rank_set::rank_set(std::uint32_t capacity)
{
    std::size_t size = 0;
    std::size_t width = capacity;
    do {
        width = std::max<std::size_t>((width + 63) / 64, 1);
        level_begins_.push_back(size);
        size += width;
    } while (width > 1);
    words_.assign(size, 0);
}

void rank_set::insert(std::uint32_t rank) noexcept
{
    for (const std::size_t begin : level_begins_) {
        std::uint64_t& word = words_[begin + rank / 64];
        const bool known_above = word != 0;
        word |= std::uint64_t{1} << (rank % 64);
        if (known_above)
            return;
        rank /= 64;
    }
}

void rank_set::erase(std::uint32_t rank) noexcept
{
    for (const std::size_t begin : level_begins_) {
        std::uint64_t& word = words_[begin + rank / 64];
        word &= ~(std::uint64_t{1} << (rank % 64));
        if (word != 0)
            return;
        rank /= 64;
    }
}

std::optional<std::uint32_t> rank_set::first() const noexcept
{
    if (empty())
        return std::nullopt;
    std::uint32_t position = 0;
    for (auto level = level_begins_.rbegin(); level != level_begins_.rend(); ++level)
        position = position * 64 + static_cast<std::uint32_t>(std::countr_zero(words_[*level + position]));
    return position;
}

void rank_set::clear() noexcept
{
    std::fill(words_.begin(), words_.end(), 0);
}

} // namespace potoo::schedule
