#include "base_encoding.hpp"

#include <cstddef>
#include <cstdint>

namespace potoo::kubernetes {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

std::string base64_encoded(std::string_view bytes)
{
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63U] : '=';
    }
    return out;
}

std::optional<std::string> base64_decoded(std::string_view text)
{
    std::string out;
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t characters = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        ++characters;
        if (c == '=') {
            ++padding;
            continue;
        }
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos || padding > 0)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out += static_cast<char>(bits >> held & 0xffU);
        }
    }
    if (characters % 4 != 0 || padding > 2)
        return std::nullopt;
    return out;
}

} // namespace potoo::kubernetes
