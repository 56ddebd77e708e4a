#pragma once
/// @file
/// Comparison of JSON values by what they mean: numbers by value, whatever their kind.

#include <potoo/json.hpp>

#include <compare>

namespace potoo::graph {

/// Both must be numbers. Exact, also between an integer and a floating-point number.
[[nodiscard]] std::partial_ordering compare_numbers(const json::value& a, const json::value& b) noexcept;

/// By content; objects whatever their order. Does not recurse, however deep the values.
[[nodiscard]] bool deep_equal(const json::value& a, const json::value& b);

} // namespace potoo::graph
