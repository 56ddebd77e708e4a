#include "engine/graph/plain_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace potoo::graph {

namespace {

bool all_of(std::string_view text, bool (*accept)(char))
{
    return !text.empty() && std::all_of(text.begin(), text.end(), accept);
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool one_of(std::string_view text, std::string_view a, std::string_view b, std::string_view c)
{
    return text == a || text == b || text == c;
}

node integer_node(std::int64_t v)
{
    node n;
    n.kind = node_kind::integer;
    n.integer = v;
    return n;
}

std::optional<node> real_node(std::string_view text)
{
    node n;
    n.kind = node_kind::real;
    if (text.starts_with('+'))
        text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n.real);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(n.real))
        return std::nullopt;
    return n;
}

std::optional<node> whole_node(std::string_view text, int base)
{
    std::int64_t small = 0;
    const auto* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, small, base).ec == std::errc())
        return integer_node(small);
    node n;
    n.kind = node_kind::unsigned_integer;
    if (!text.starts_with('-') && std::from_chars(text.data(), end, n.unsigned_integer, base).ec == std::errc())
        return n;
    return base == 10 ? real_node(text) : std::nullopt;
}

/// `12`, `12.5`, `.5`, `1e3`, without sign: the digits before the point, or nothing when it is no number.
std::optional<std::string_view> number_head(std::string_view text, bool& whole)
{
    std::size_t i = 0;
    const auto digits = [&] {
        const auto from = i;
        while (i < text.size() && is_digit(text[i]))
            ++i;
        return i - from;
    };
    const auto before = digits();
    std::size_t after = 0;
    whole = true;
    if (i < text.size() && text[i] == '.') {
        ++i;
        after = digits();
        whole = false;
    }
    if (before + after == 0)
        return std::nullopt;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-'))
            ++i;
        if (digits() == 0)
            return std::nullopt;
        whole = false;
    }
    if (i != text.size())
        return std::nullopt;
    return text.substr(0, before);
}

node string_node()
{
    node n;
    n.kind = node_kind::string;
    return n;
}

} // namespace

std::optional<node> resolve_plain(std::string_view text)
{
    if (text.empty() || text == "~" || one_of(text, "null", "Null", "NULL"))
        return node{};
    if (one_of(text, "true", "True", "TRUE") || one_of(text, "false", "False", "FALSE")) {
        node n;
        n.kind = node_kind::boolean;
        n.boolean = text[0] == 't' || text[0] == 'T';
        return n;
    }
    const bool is_signed = text[0] == '-' || text[0] == '+';
    const auto unsigned_text = is_signed ? text.substr(1) : text;
    if (unsigned_text.empty() || !(is_digit(unsigned_text[0]) || unsigned_text[0] == '.'))
        return string_node();
    if (one_of(unsigned_text, ".inf", ".Inf", ".INF") || (!is_signed && one_of(text, ".nan", ".NaN", ".NAN")))
        return std::nullopt;
    if (text.starts_with("0x") && all_of(text.substr(2), is_hex))
        return whole_node(text.substr(2), 16);
    if (text.starts_with("0o") && all_of(text.substr(2), is_octal))
        return whole_node(text.substr(2), 8);
    bool whole = false;
    const auto head = number_head(unsigned_text, whole);
    if (!head || (head->size() > 1 && head->front() == '0'))
        return string_node();
    if (whole)
        return whole_node(text[0] == '+' ? unsigned_text : text, 10);
    return real_node(text);
}

} // namespace potoo::graph
