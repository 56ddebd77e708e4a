#pragma once
/// @file
/// What a step of a path may be taken into: the same rules when types are known early and when values are at hand.

#include <potoo/expression.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::graph {

enum class step_kind : std::uint8_t
{
    member,   ///< a name
    position, ///< a number
    unknown,  ///< computed, of a type not known yet
};

inline constexpr std::string_view index_not_whole = "an index is a whole number";

/// @param before source text of what the step is taken into
/// @return why the step cannot be taken into a value of that type; empty when it can
[[nodiscard]] std::string step_refusal(step_kind kind, value_type type, std::string_view before);

/// Why a value of that type is no index.
[[nodiscard]] std::string index_refusal(value_type type);

/// The position that a number means: negative for any that no array has.
/// @return nothing when the number is not whole
[[nodiscard]] std::optional<std::int64_t> position_of(const json::value& number);

} // namespace potoo::graph
