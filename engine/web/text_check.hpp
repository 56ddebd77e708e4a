#pragma once
/// @file
/// Small questions about the bytes of protocols.

#include <optional>
#include <string>
#include <string_view>

namespace potoo::web {

/// A method or the name of a field (RFC 9110, 5.6.2); not empty.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// No control character but a tab.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// Whether a list split by commas names the word, case aside.
[[nodiscard]] bool lists(std::string_view value, std::string_view word) noexcept;

/// `text` without spaces and tabs at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// @param plus_is_space as in a query
/// @return nothing when a `%` is not followed by two hexadecimal digits
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

} // namespace potoo::web
