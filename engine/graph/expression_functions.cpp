#include "engine/graph/expression_functions.hpp"

#include "engine/graph/expression_compare.hpp"
#include "engine/graph/expression_text.hpp"
#include "engine/graph/expression_words.hpp"
#include "engine/graph/spelling.hpp"
#include "engine/text/characters.hpp"

#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace potoo::graph {

namespace {

constexpr type_set one(value_type t)
{
    return static_cast<type_set>(1U << static_cast<unsigned>(t));
}

constexpr type_set anything = 0xFF;
constexpr type_set containers = one(value_type::array) | one(value_type::string) | one(value_type::object);
constexpr type_set number = one(value_type::number);
constexpr type_set text = one(value_type::string);
constexpr type_set list = one(value_type::array);

constexpr std::size_t longest_shown = 60; ///< text that an error quotes

constexpr std::array table{
    function_entry{function_id::length, "length", "length(value)", 1, 1, {containers}, value_type::number},
    function_entry{
        function_id::contains, "contains", "contains(where, what)", 2, 2, {containers, anything}, value_type::boolean},
    function_entry{function_id::join, "join", "join(array, separator)", 2, 2, {list, text}, value_type::string},
    function_entry{function_id::range,
                   "range",
                   "range(end), range(start, end) or range(start, end, step)",
                   1,
                   3,
                   {number, number, number},
                   value_type::array},
    function_entry{function_id::from_json, "from_json", "from_json(string)", 1, 1, {text}, value_type::any},
    function_entry{function_id::to_json, "to_json", "to_json(value)", 1, 1, {anything}, value_type::string},
    function_entry{
        function_id::default_, "default", "default(value, fallback)", 2, 2, {anything, anything}, value_type::any},
};

constexpr std::array<synonym, 9> elsewhere{{{"len", "length"},
                                            {"size", "length"},
                                            {"count", "length"},
                                            {"includes", "contains"},
                                            {"coalesce", "default"},
                                            {"ifnull", "default"},
                                            {"parse_json", "from_json"},
                                            {"str", "to_json"},
                                            {"string", "to_json"}}};

std::string list_of_types(type_set types)
{
    std::vector<std::string_view> words;
    for (const auto t : {value_type::null, value_type::boolean, value_type::number, value_type::string,
                         value_type::array, value_type::object}) {
        if ((types & one(t)) != 0) {
            words.push_back(with_article(t));
        }
    }
    std::string result;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) {
            result += i + 1 == words.size() ? " or " : ", ";
        }
        result += words[i];
    }
    return result;
}

json::value length(const argument& a)
{
    if (const auto* s = a.value->if_string()) {
        return text::count_characters(*s);
    }
    if (const auto* items = a.value->if_array()) {
        return items->size();
    }
    return a.value->get_object().size();
}

std::string_view text_to_find(const argument& where, const argument& what)
{
    const auto* s = what.value->if_string();
    if (s == nullptr) {
        throw expression_error("`contains` looks in " + std::string(with_article(*where.value)) +
                                   " for a string, not for " + std::string(with_article(*what.value)),
                               what.offset);
    }
    return *s;
}

bool contains(const argument& where, const argument& what)
{
    if (const auto* items = where.value->if_array()) {
        return std::ranges::any_of(*items, [&](const json::value& item) { return deep_equal(item, *what.value); });
    }
    if (const auto* s = where.value->if_string()) {
        return std::string_view(*s).find(text_to_find(where, what)) != std::string_view::npos;
    }
    return where.value->get_object().contains(text_to_find(where, what));
}

json::value join(const argument& items, const argument& separator)
{
    json::string result;
    bool fits = true;
    bool first = true;
    for (const auto& item : items.value->get_array()) {
        fits = fits && (first || append_text(result, *separator.value)) && append_text(result, item);
        first = false;
    }
    if (!fits) {
        throw expression_error("`join` makes a text of more than 256 MiB", items.offset);
    }
    return result;
}

std::int64_t whole_number(const argument& a)
{
    const auto& v = *a.value;
    if (v.is_int64()) {
        return v.get_int64();
    }
    if (v.is_uint64() && std::in_range<std::int64_t>(v.get_uint64())) {
        return static_cast<std::int64_t>(v.get_uint64());
    }
    if (v.is_double() && std::trunc(v.get_double()) == v.get_double() && std::abs(v.get_double()) < 0x1p63) {
        return static_cast<std::int64_t>(v.get_double());
    }
    throw expression_error(
        v.is_uint64() ? "`range` takes numbers up to 9223372036854775807" : "`range` takes whole numbers", a.offset);
}

json::value range(std::span<const argument> arguments)
{
    const bool from_zero = arguments.size() == 1;
    const std::int64_t start = from_zero ? 0 : whole_number(arguments[0]);
    const std::int64_t end = whole_number(arguments[from_zero ? 0 : 1]);
    const std::int64_t step = arguments.size() == 3 ? whole_number(arguments[2]) : 1;
    if (step == 0) {
        throw expression_error("the step of `range` must not be 0", arguments[2].offset);
    }
    const bool empty = step > 0 ? start >= end : start <= end;
    if (empty) {
        return json::array();
    }
    constexpr std::uint64_t most_elements = 10'000'000;
    const auto bits = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
    const auto distance = step > 0 ? bits(end) - bits(start) : bits(start) - bits(end);
    const auto stride = step > 0 ? bits(step) : 0 - bits(step);
    const auto last = (distance - 1) / stride;
    if (last >= most_elements) {
        throw expression_error("`range` makes more than 10,000,000 elements", arguments[0].offset);
    }
    json::array result;
    result.reserve(last + 1);
    for (std::uint64_t i = 0; i <= last; ++i) {
        result.emplace_back(static_cast<std::int64_t>(bits(start) + i * bits(step)));
    }
    return result;
}

json::value from_json(const argument& a)
{
    json::parse_options options;
    options.max_depth = 64;
    json::error_code error;
    // Parsing part by part tells where the text goes wrong.
    json::stream_parser parser(json::storage_ptr(), options);
    const std::string_view source = a.value->get_string();
    const auto read = parser.write_some(source.data(), source.size(), error);
    if (!error && read < source.size()) {
        error = json::error::extra_data;
    }
    if (!error) {
        parser.finish(error);
    }
    if (error) {
        // Whole or not at all: a piece of a secret would not be known for one any more, and shown.
        const std::string shown = source.size() <= longest_shown ? fmt::format(" of `{}`", source) : "";
        throw expression_error(
            fmt::format("`from_json` cannot read its text as JSON: {} at byte {}{}", error.message(), read, shown),
            a.offset);
    }
    return parser.release();
}

json::value to_json(const argument& a)
{
    json::string result;
    if (!append_json(result, *a.value)) {
        throw expression_error("`to_json` makes a text of more than 256 MiB", a.offset);
    }
    return result;
}

} // namespace

std::span<const function_entry> functions() noexcept
{
    return table;
}

const function_entry* find_function(std::string_view name) noexcept
{
    const auto* place = std::ranges::find(table, name, &function_entry::name);
    return place != table.end() ? place : nullptr;
}

std::string nearest_function(std::string_view name)
{
    std::vector<std::string_view> candidates;
    for (const auto& f : table) {
        candidates.push_back(f.name);
    }
    return nearest_spelling(name, candidates, elsewhere);
}

std::string refusal(const function_entry& f, std::size_t position, value_type type)
{
    const auto accepted = f.accepts.at(position);
    if (type == value_type::any || (accepted & one(type)) != 0) {
        return {};
    }
    constexpr std::array<std::string_view, most_arguments> ordinals{" as first argument", " as second argument",
                                                                    " as third argument"};
    return "`" + std::string(f.name) + "` takes " + list_of_types(accepted) +
           std::string(f.most > 1 ? ordinals.at(position) : "") + ", not " + std::string(with_article(type));
}

json::value call(const function_entry& f, std::span<const argument> arguments)
{
    switch (f.id) {
    case function_id::length:
        return length(arguments[0]);
    case function_id::contains:
        return contains(arguments[0], arguments[1]);
    case function_id::join:
        return join(arguments[0], arguments[1]);
    case function_id::range:
        return range(arguments);
    case function_id::from_json:
        return from_json(arguments[0]);
    case function_id::to_json:
        return to_json(arguments[0]);
    case function_id::default_:
        break;
    }
    return nullptr;
}

} // namespace potoo::graph
