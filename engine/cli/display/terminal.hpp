#pragma once
/// @file
/// What the terminal behind a file descriptor can do.

#include <cstddef>

namespace potoo::cli {

struct window_size
{
    std::size_t columns = 80;
    std::size_t rows = 24;

    friend bool operator==(const window_size&, const window_size&) = default;
};

struct terminal_traits
{
    bool is_terminal = false; ///< one whose cursor can be moved
    bool colour = false;
    bool utf8 = true; ///< by the locale
};

/// `NO_COLOR` (not empty) turns colour off; `TERM` unset or `dumb` makes it no terminal.
[[nodiscard]] terminal_traits describe_terminal(int descriptor);

/// As it is now; `COLUMNS` and `LINES`, else 80 × 24, when the system does not say.
[[nodiscard]] window_size window_of(int descriptor) noexcept;

/// Whether the locale of the environment writes UTF-8. C and POSIX locales do not.
[[nodiscard]] bool locale_is_utf8();

} // namespace potoo::cli
