#include "engine/runtime/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace potoo::runtime {
namespace {

/// Length of the valid sequence that `s` begins with; 0 if there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view s)
{
    const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<std::uint8_t>(s[i]) : std::uint8_t{0}; };
    const auto within = [&](std::size_t i, std::uint8_t low, std::uint8_t high) {
        return byte(i) >= low && byte(i) <= high;
    };
    const std::uint8_t first = byte(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return within(1, 0x80, 0xbf) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const std::uint8_t low = first == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = first == 0xed ? 0x9f : 0xbf;
        return within(1, low, high) && within(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const std::uint8_t low = first == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = first == 0xf4 ? 0x8f : 0xbf;
        return within(1, low, high) && within(2, 0x80, 0xbf) && within(3, 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

} // namespace

std::string valid_utf8(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = sequence_length(text);
        if (n == 0) {
            result += "\xef\xbf\xbd";
            text.remove_prefix(1);
            continue;
        }
        result += text.substr(0, n);
        text.remove_prefix(n);
    }
    return result;
}

} // namespace potoo::runtime
