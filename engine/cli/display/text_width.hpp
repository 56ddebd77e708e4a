#pragma once
/// @file
/// Text as a terminal shows it.

#include <cstddef>
#include <string>
#include <string_view>

namespace potoo::cli {

/// Columns that UTF-8 text takes: wide characters (CJK, emoji) two, combining ones none.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;

/// At most `width` columns of `text`; what was cut is shown by an ellipsis (`…`, or `~` without UTF-8).
[[nodiscard]] std::string fit(std::string_view text, std::size_t width, bool utf8 = true);

/// `fit`, then spaces up to `width`.
[[nodiscard]] std::string fit_padded(std::string_view text, std::size_t width, bool utf8 = true);

/// Safe to show: control characters and broken UTF-8 become `?`, tabs a space; without UTF-8 all that is not ASCII
/// becomes `?`.
[[nodiscard]] std::string printable(std::string_view text, bool utf8 = true);

} // namespace potoo::cli
