#include "engine/graph/expression_path.hpp"

#include "engine/graph/expression_words.hpp"

#include <cmath>

namespace potoo::graph {

std::string step_refusal(step_kind kind, value_type type, std::string_view before)
{
    const auto subject = [&] { return "`" + excerpt(before) + "` is " + std::string(with_article(type)); };
    switch (type) {
    case value_type::any:
    case value_type::null:
        return {};
    case value_type::object:
        return kind == step_kind::position ? subject() + " and is indexed by name, not by number" : std::string();
    case value_type::array:
        return kind == step_kind::member ? subject() + " and is indexed by number, not by name" : std::string();
    default:
        return subject() + (kind == step_kind::member ? " and has no members" : " and has no elements");
    }
}

std::string index_refusal(value_type type)
{
    return "an index is a number or a string, not " + std::string(with_article(type));
}

std::optional<std::int64_t> position_of(const json::value& number)
{
    constexpr std::int64_t nowhere = -1;
    if (number.is_int64()) {
        return number.get_int64();
    }
    if (number.is_uint64()) {
        const auto n = number.get_uint64();
        return std::in_range<std::int64_t>(n) ? static_cast<std::int64_t>(n) : nowhere;
    }
    const auto n = number.get_double();
    if (std::trunc(n) != n) {
        return std::nullopt;
    }
    return std::abs(n) < 0x1p63 ? static_cast<std::int64_t>(n) : nowhere;
}

} // namespace potoo::graph
