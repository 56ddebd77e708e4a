#include "engine/text/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace potoo::text {
namespace {

std::string digest_hex(const EVP_MD* kind, std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> out;
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), out.data(), &size, kind, nullptr) != 1)
        throw std::runtime_error("OpenSSL cannot compute a digest");
    return hex({reinterpret_cast<const char*>(out.data()), size});
}

} // namespace

std::string hex(std::string_view bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const unsigned char c : bytes) {
        out.push_back(digits[c >> 4]);
        out.push_back(digits[c & 15]);
    }
    return out;
}

std::string sha256_hex(std::string_view text)
{
    return digest_hex(EVP_sha256(), text);
}

std::string sha1_hex(std::string_view text)
{
    return digest_hex(EVP_sha1(), text);
}

sha256_digest hmac_sha256(std::string_view key, std::string_view text)
{
    sha256_digest out;
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size))
        throw std::runtime_error("OpenSSL cannot compute an HMAC");
    return out;
}

} // namespace potoo::text
