#include "engine/cli/remote/api_path.hpp"

#include "engine/cli/usage_error.hpp"

#include <fmt/format.h>

namespace potoo::cli {

std::string percent_escaped(std::string_view text)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (plain.find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

api_path::api_path(std::initializer_list<std::string_view> segments)
{
    for (const std::string_view s : segments) {
        if (s.empty() || s == "." || s == "..")
            throw usage_error(fmt::format("'{}' is no name", s));
        text_ += '/' + percent_escaped(s);
    }
}

api_path& api_path::with(std::string_view name, std::string_view value)
{
    if (value.empty())
        return *this;
    text_ += fmt::format("{}{}={}", has_query_ ? '&' : '?', name, percent_escaped(value));
    has_query_ = true;
    return *this;
}

} // namespace potoo::cli
