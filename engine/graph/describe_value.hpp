#pragma once
/// @file
/// How values are named in messages.

#include <potoo/json.hpp>

#include <string>
#include <string_view>

namespace potoo::graph {

/// `text` in backquotes, cut to a readable length, control characters shown as `\n` or `?`.
[[nodiscard]] std::string quoted(std::string_view text);

/// `null`, `true`, `the number 3`, `the string `x``, `a list`, `a map`.
[[nodiscard]] std::string describe(const json::value& v);

/// A value as JSON, numbers as people write them: `1.5`, not `1.5E0`.
[[nodiscard]] std::string written(const json::value& v);

/// A value as JSON in backquotes, strings without their own quotes.
[[nodiscard]] std::string quoted_value(const json::value& v);

} // namespace potoo::graph
