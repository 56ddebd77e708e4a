#pragma once
/// @file
/// How messages about expressions name types and quote source text.

#include <potoo/expression.hpp>

#include <string>
#include <string_view>

namespace potoo::graph {

[[nodiscard]] value_type type_of(const json::value& v) noexcept;

/// `a string`, `null`, `a boolean`, …
[[nodiscard]] std::string_view with_article(value_type type) noexcept;

[[nodiscard]] std::string_view with_article(const json::value& v) noexcept;

/// Source text for a message: on one line, shortened when long.
[[nodiscard]] std::string excerpt(std::string_view source);

} // namespace potoo::graph
