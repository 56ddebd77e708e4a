#include "engine/web/request_target.hpp"

#include "engine/text/ascii.hpp"
#include "engine/web/text_check.hpp"

#include <potoo/utf8.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace potoo::web {
namespace {

refusal bad(std::string detail)
{
    return {400, std::move(detail)};
}

/// RFC 3986, and what browsers send beside it; never a control character, a space, a fragment or anything beyond ASCII.
bool is_target_character(char c) noexcept
{
    const auto byte = static_cast<std::uint8_t>(c);
    return byte > 0x20 && byte < 0x7f && std::string_view("\"<>\\^`#").find(c) == std::string_view::npos;
}

/// Takes `http://authority` off, if it is there.
or_refusal<void> drop_origin(std::string_view& target, std::string_view host)
{
    if (target.starts_with('/'))
        return {};
    std::size_t scheme = 0;
    if (text::same_word(target.substr(0, 7), "http://"))
        scheme = 7;
    else if (text::same_word(target.substr(0, 8), "https://"))
        scheme = 8;
    if (scheme == 0)
        return bad("the target of the request must be a path that begins with a slash");
    target.remove_prefix(scheme);
    const std::string_view authority = target.substr(0, target.find_first_of("/?"));
    if (authority.empty() || !text::same_word(authority, host))
        return bad("the host in the target of the request is not that of its Host field");
    target.remove_prefix(authority.size());
    return {};
}

bool has_control_character(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<std::uint8_t>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

or_refusal<std::string> read_segment(std::string_view raw)
{
    if (raw.empty())
        return bad("the path has an empty segment: two slashes in a row, or one at its end");
    auto segment = percent_decoded(raw, false);
    if (!segment)
        return bad("the path has a '%' that is not followed by two hexadecimal digits");
    if (*segment == "." || *segment == "..")
        return bad("the path has a segment '.' or '..'");
    if (segment->find_first_of("/\\") != std::string::npos)
        return bad("the path has an encoded slash or backslash");
    if (has_control_character(*segment))
        return bad("the path has an encoded control character");
    if (!is_utf8(*segment))
        return bad("the path is not UTF-8");
    return std::move(*segment);
}

or_refusal<void> read_path(std::string_view path, request& r)
{
    r.path = path;
    if (path == "/")
        return {};
    path.remove_prefix(1);
    for (;;) {
        const std::size_t slash = path.find('/');
        auto segment = read_segment(path.substr(0, slash));
        if (!segment)
            return segment.error();
        r.segments.push_back(std::move(*segment));
        if (slash == std::string_view::npos)
            return {};
        path.remove_prefix(slash + 1);
    }
}

or_refusal<std::string> read_query_part(std::string_view raw)
{
    auto text = percent_decoded(raw, true);
    if (!text)
        return bad("the query has a '%' that is not followed by two hexadecimal digits");
    if (text->find('\0') != std::string::npos)
        return bad("the query has an encoded zero byte");
    if (!is_utf8(*text))
        return bad("the query is not UTF-8");
    return std::move(*text);
}

or_refusal<void> read_query(std::string_view query, request& r)
{
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty())
            continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = read_query_part(pair.substr(0, equals));
        if (!name)
            return name.error();
        auto value = read_query_part(pair.substr(std::min(equals + 1, pair.size())));
        if (!value)
            return value.error();
        r.query.emplace_back(std::move(*name), std::move(*value));
    }
    return {};
}

} // namespace

or_refusal<void> read_target(std::string_view target, std::string_view host, request& r)
{
    if (!std::all_of(target.begin(), target.end(), is_target_character))
        return bad("the target of the request has a character that must be percent-encoded there");
    auto dropped = drop_origin(target, host);
    if (!dropped)
        return dropped;
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    auto read = read_path(path.empty() ? "/" : path, r);
    if (!read || mark == std::string_view::npos)
        return read;
    return read_query(target.substr(mark + 1), r);
}

} // namespace potoo::web
