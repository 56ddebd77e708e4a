#pragma once
/// @file
/// A line for a terminal, with colours, that never gets wider than the window.

#include "engine/cli/display/text_width.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace potoo::cli {

enum class style : std::uint8_t
{
    plain,
    bold,
    dim,
    red,
    green,
    yellow,
    blue,
    cyan,
};

class styled_line
{
  public:
    /// @param width columns, beyond which text is cut
    styled_line(std::size_t width, bool colour, bool utf8) : left_(width), colour_(colour), utf8_(utf8) {}

    styled_line& add(std::string_view text, style s = style::plain);

    [[nodiscard]] std::size_t left() const noexcept { return left_; }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    std::string text_;
    std::size_t left_;
    bool colour_;
    bool utf8_;
};

/// Columns of a line without its colours.
[[nodiscard]] std::size_t width_of_styled(std::string_view text) noexcept;

} // namespace potoo::cli
