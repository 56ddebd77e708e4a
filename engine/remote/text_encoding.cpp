#include "engine/remote/text_encoding.hpp"

#include "engine/text/characters.hpp"

#include <openssl/evp.h>

namespace potoo::remote {

std::string printable(std::string_view s)
{
    std::string out;
    out.reserve(s.size());
    while (!s.empty()) {
        const text::character c = text::first_character(s);
        if (c.code == '\n' || c.code == '\t')
            out += ' ';
        else if (!c.valid || c.code < 0x20 || c.code == 0x7f)
            out += '?';
        else
            out += s.substr(0, c.bytes);
        s.remove_prefix(c.bytes);
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
