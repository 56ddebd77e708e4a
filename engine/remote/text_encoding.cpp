#include "engine/remote/text_encoding.hpp"

#include <openssl/evp.h>

#include <cstdint>

namespace potoo::remote {
namespace {

/// Length of the valid sequence at the front, 0 if there is none. Unicode standard, table 3-7.
std::size_t sequence_length(std::string_view s) noexcept
{
    const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<std::uint8_t>(s[i]) : std::uint8_t{0}; };
    const auto continues = [&](std::size_t from, std::size_t n) {
        for (std::size_t i = from; i < n; ++i) {
            if ((byte(i) & 0xc0) != 0x80)
                return false;
        }
        return true;
    };
    const std::uint8_t a = byte(0);
    const std::uint8_t b = byte(1);
    if (a < 0x80)
        return 1;
    if (a >= 0xc2 && a <= 0xdf)
        return continues(1, 2) ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        const bool good = b >= (a == 0xe0 ? 0xa0 : 0x80) && b <= (a == 0xed ? 0x9f : 0xbf);
        return good && continues(2, 3) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        const bool good = b >= (a == 0xf0 ? 0x90 : 0x80) && b <= (a == 0xf4 ? 0x8f : 0xbf);
        return good && continues(2, 4) ? 4 : 0;
    }
    return 0;
}

} // namespace

bool is_utf8(std::string_view s) noexcept
{
    while (!s.empty()) {
        const std::size_t n = sequence_length(s);
        if (n == 0)
            return false;
        s.remove_prefix(n);
    }
    return true;
}

std::string printable(std::string_view s)
{
    std::string out;
    out.reserve(s.size());
    while (!s.empty()) {
        std::size_t n = sequence_length(s);
        const char c = s[0];
        if (c == '\n' || c == '\t')
            out += ' ';
        else if (n == 0 || (n == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)))
            out += '?';
        else
            out += s.substr(0, n);
        s.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

std::string base64(std::string_view bytes)
{
    // One byte more: OpenSSL writes a terminating zero.
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), in, static_cast<int>(bytes.size()));
    out.pop_back();
    return out;
}

} // namespace potoo::remote
