#pragma once
/// @file
/// The log of one attempt, as far as it is not yet given on: unfinished lines, and how much there was.

#include "engine/journal/record.hpp"
#include "engine/runtime/log_lines.hpp"

#include <potoo/detail/frame_slab.hpp>

#include <cstddef>

namespace potoo::runtime {

class attempt_log : public detail::slab_allocated
{
  public:
    static constexpr std::size_t max_size = std::size_t{64} << 20;

    /// Unfinished lines of a process. @param stream `out` or `err`
    [[nodiscard]] log_lines& lines(journal::log_stream stream) noexcept
    {
        return stream == journal::log_stream::err ? err_ : out_;
    }

    /// Counts a piece. @param journal_is_behind so much is not written yet that no more is taken
    /// @return whether it is to be kept
    [[nodiscard]] bool admit(std::size_t size, bool journal_is_behind) noexcept
    {
        const bool kept = kept_ < max_size && !journal_is_behind;
        (kept ? kept_ : dropped_) += size;
        return kept;
    }

    /// Bytes that were not kept.
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }

  private:
    log_lines out_;
    log_lines err_;
    std::size_t kept_ = 0;
    std::size_t dropped_ = 0;
};

} // namespace potoo::runtime
