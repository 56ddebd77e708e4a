#include <potoo/aws.hpp>

#include <charconv>

namespace potoo::aws {
namespace {

void append_utf8(std::string& out, unsigned long c)
{
    if (c < 0x80) {
        out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
        out.push_back(static_cast<char>(0xc0 | (c >> 6)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | (c >> 12)));
        out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else if (c < 0x110000) {
        out.push_back(static_cast<char>(0xf0 | (c >> 18)));
        out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    }
}

/// @param name what stands between `&` and `;` @return false when it is no entity
bool append_entity(std::string& out, std::string_view name)
{
    constexpr std::pair<std::string_view, char> known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [entity, c] : known) {
        if (name == entity) {
            out.push_back(c);
            return true;
        }
    }
    if (!name.starts_with('#'))
        return false;
    name.remove_prefix(1);
    const int base = name.starts_with('x') || name.starts_with('X') ? 16 : 10;
    if (base == 16)
        name.remove_prefix(1);
    unsigned long code = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), code, base);
    if (ec != std::errc() || end != name.data() + name.size())
        return false;
    append_utf8(out, code);
    return true;
}

std::string without_entities(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
        if (end != std::string_view::npos && append_entity(out, text.substr(i + 1, end - i - 1)))
            i = end;
        else
            out.push_back(text[i]);
    }
    return out;
}

/// Where the element's content begins and ends, from `at` on. @return false when there is none
bool find_element(std::string_view document, std::string_view element, std::size_t at, std::size_t& begin,
                  std::size_t& end)
{
    while ((at = document.find('<', at)) != std::string_view::npos) {
        const std::string_view rest = document.substr(++at);
        if (!rest.starts_with(element))
            continue;
        const std::size_t tag_end = rest.find('>');
        const char behind = rest.size() > element.size() ? rest[element.size()] : '\0';
        if (tag_end == std::string_view::npos || (behind != '>' && behind != ' ' && behind != '/'))
            continue;
        begin = at + tag_end + 1;
        if (rest[tag_end - 1] == '/') {
            end = begin;
            return true;
        }
        const std::string closing = "</" + std::string(element) + ">";
        end = document.find(closing, begin);
        return end != std::string_view::npos;
    }
    return false;
}

} // namespace

std::optional<std::string> xml_text(std::string_view document, std::string_view element)
{
    std::size_t begin = 0;
    std::size_t end = 0;
    if (!find_element(document, element, 0, begin, end))
        return std::nullopt;
    return without_entities(document.substr(begin, end - begin));
}

std::vector<std::string_view> xml_elements(std::string_view document, std::string_view element)
{
    std::vector<std::string_view> all;
    std::size_t begin = 0;
    std::size_t end = 0;
    for (std::size_t at = 0; find_element(document, element, at, begin, end); at = end)
        all.push_back(document.substr(begin, end - begin));
    return all;
}

} // namespace potoo::aws
