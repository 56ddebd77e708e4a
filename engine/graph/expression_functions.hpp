#pragma once
/// @file
/// The functions that expressions may call.

#include <potoo/expression.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace potoo::graph {

enum class function_id : std::uint8_t
{
    length,
    contains,
    join,
    range,
    from_json,
    to_json,
    default_,
};

/// A set of `value_type`s, one bit each.
using type_set = std::uint8_t;

inline constexpr std::size_t most_arguments = 3;

struct function_entry
{
    function_id id;
    std::string_view name;
    std::string_view signature;
    std::size_t least = 1; ///< arguments
    std::size_t most = 1;
    std::array<type_set, most_arguments> accepts{};
    value_type result = value_type::any;
};

[[nodiscard]] std::span<const function_entry> functions() noexcept;

/// @return null when there is none
[[nodiscard]] const function_entry* find_function(std::string_view name) noexcept;

/// What people call functions elsewhere counts as a near spelling.
[[nodiscard]] std::string nearest_function(std::string_view name);

/// @return why the function does not take a value of that type as its argument number `position`; empty when it does,
/// and for `value_type::any`
[[nodiscard]] std::string refusal(const function_entry& f, std::size_t position, value_type type);

/// One argument of a call: a value of a type that the function takes, and where it is written.
struct argument
{
    const json::value* value = nullptr;
    std::size_t offset = 0;
};

/// Any function but `default`, whose arguments are not all evaluated.
/// @throws expression_error
[[nodiscard]] json::value call(const function_entry& f, std::span<const argument> arguments);

} // namespace potoo::graph
