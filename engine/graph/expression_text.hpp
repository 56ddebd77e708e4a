#pragma once
/// @file
/// JSON values as text within other text.

#include <potoo/json.hpp>

#include <cstddef>
#include <string_view>

namespace potoo::graph {

/// Appends a string as it is, a number or boolean as JSON writes it, null as nothing, an array or object as JSON.
/// @return false, and `out` is of no use, when the text becomes longer than `longest_text`
[[nodiscard]] bool append_text(json::string& out, const json::value& v);

[[nodiscard]] bool append_text(json::string& out, std::string_view text);

/// The same, but a string is quoted and null is `null`.
[[nodiscard]] bool append_json(json::string& out, const json::value& v);

inline constexpr std::size_t longest_text = std::size_t{256} << 20U;

} // namespace potoo::graph
