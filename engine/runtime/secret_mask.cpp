#include "engine/runtime/secret_mask.hpp"

#include <potoo/utf8.hpp>

#include <algorithm>
#include <sstream>

namespace potoo::runtime {
namespace {

constexpr std::size_t shortest_secret = 3;
constexpr std::size_t shortest_line = 6;
constexpr std::string_view mask = "***";

void replace_all(std::string& text, const std::string& what)
{
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + mask.size()))
        text.replace(at, what.size(), mask);
}

} // namespace

void secret_mask::add_form(std::string_view form)
{
    if (std::find(values_.begin(), values_.end(), form) != values_.end())
        return;
    values_.emplace_back(form);
    std::sort(values_.begin(), values_.end(), [](const std::string& x, const std::string& y) {
        return x.size() != y.size() ? x.size() > y.size() : x < y;
    });
}

bool secret_mask::add(std::string value)
{
    if (value.size() < shortest_secret)
        return false;
    if (std::find(values_.begin(), values_.end(), value) != values_.end())
        return true;
    add_form(value);
    const std::string quoted = json::serialize(json::value(json::string(value)));
    add_form(std::string_view(quoted).substr(1, quoted.size() - 2));
    // Output is looked at line by line.
    std::istringstream lines(value);
    for (std::string line; std::getline(lines, line);) {
        if (line.size() >= shortest_line)
            add_form(line);
    }
    return true;
}

std::string secret_mask::clean(std::string_view text) const
{
    std::string result = valid_utf8(text);
    for (const std::string& secret : values_)
        replace_all(result, secret);
    return result;
}

void secret_mask::clean(json::value& v) const
{
    if (json::string* s = v.if_string()) {
        const std::string cleaned = clean(std::string_view(*s));
        if (cleaned != std::string_view(*s))
            *s = cleaned;
    } else if (json::array* a = v.if_array()) {
        for (json::value& element : *a)
            clean(element);
    } else if (json::object* o = v.if_object()) {
        bool keys_differ = false;
        for (auto& member : *o) {
            clean(member.value());
            keys_differ = keys_differ || clean(std::string_view(member.key())) != std::string_view(member.key());
        }
        if (!keys_differ)
            return;
        json::object renamed(o->storage());
        for (auto& member : *o)
            renamed.insert_or_assign(clean(std::string_view(member.key())), std::move(member.value()));
        *o = std::move(renamed);
    }
}

} // namespace potoo::runtime
