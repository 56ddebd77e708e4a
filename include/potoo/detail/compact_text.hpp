#pragma once
/// @file
/// Text that does not change and is kept in great numbers: one pointer, and one block of the frame slab.

#include <potoo/detail/frame_slab.hpp>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace potoo::detail {

/// Empty text has no block. Used on the loop's thread only, as the slab is.
class compact_text
{
  public:
    compact_text() noexcept = default;

    explicit compact_text(std::string_view text)
    {
        if (text.empty())
            return;
        block_ = static_cast<char*>(frame_allocate(sizeof(std::size_t) + text.size()));
        const std::size_t size = text.size();
        std::memcpy(block_, &size, sizeof size);
        std::memcpy(block_ + sizeof size, text.data(), size);
    }

    compact_text(const compact_text& other) : compact_text(other.view()) {}

    compact_text(compact_text&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

    compact_text& operator=(compact_text other) noexcept
    {
        std::swap(block_, other.block_);
        return *this;
    }

    ~compact_text()
    {
        if (block_)
            frame_deallocate(block_, sizeof(std::size_t) + view().size());
    }

    [[nodiscard]] std::string_view view() const noexcept
    {
        if (!block_)
            return {};
        std::size_t size = 0;
        std::memcpy(&size, block_, sizeof size);
        return {block_ + sizeof size, size};
    }

  private:
    char* block_ = nullptr;
};

} // namespace potoo::detail
