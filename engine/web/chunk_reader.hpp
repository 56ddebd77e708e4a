#pragma once
/// @file
/// A body that comes in chunks (RFC 9112, 7.1). Stricter than Beast, which takes `0x3` for the last chunk.

#include "engine/web/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace potoo::web {

class chunk_reader
{
  public:
    /// Appends to `body`. Extensions and the fields behind the last chunk are dropped.
    /// @return how many of the bytes it took. What it left must be given again, with more behind it.
    [[nodiscard]] or_refusal<std::size_t> put(std::string_view bytes, std::string& body, std::size_t body_limit);

    [[nodiscard]] bool done() const noexcept { return at_ == part::end; }

  private:
    enum class part : std::uint8_t
    {
        size,
        data,
        line_end, ///< behind the data
        trailer,
        end,
    };

    [[nodiscard]] or_refusal<void> take_line(std::string_view line, std::size_t room);

    part at_ = part::size;
    std::size_t left_ = 0; ///< of the chunk
    std::size_t trailer_bytes_ = 0;
};

} // namespace potoo::web
