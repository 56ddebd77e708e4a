#include "engine/journal/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace potoo::journal {

namespace {

using tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// Row t is for a byte that t others follow.
constexpr tables make_tables() noexcept
{
    tables result{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        result[0][i] = crc;
    }
    for (std::size_t t = 1; t < 8; ++t)
        for (std::size_t i = 0; i < 256; ++i)
            result[t][i] = (result[t - 1][i] >> 8) ^ result[0][result[t - 1][i] & 0xff];
    return result;
}

constexpr tables table = make_tables();

std::uint32_t add_byte(std::uint32_t crc, char c) noexcept
{
    return (crc >> 8) ^ table[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::string_view bytes,
                                                                      std::uint32_t before) noexcept
{
    std::uint64_t crc = ~before;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    auto rest = static_cast<std::uint32_t>(crc);
    for (const char c : bytes)
        rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(c));
    return ~rest;
}

const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

} // namespace

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before) noexcept
{
    std::uint32_t crc = ~before;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            const auto from_crc = i < 4 ? crc >> (8 * i) : 0;
            next ^= table[7 - i][(static_cast<unsigned char>(bytes[i]) ^ from_crc) & 0xff];
        }
        crc = next;
    }
    for (const char c : bytes)
        crc = add_byte(crc, c);
    return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept
{
#if defined(__x86_64__)
    if (has_instruction)
        return crc32c_by_instruction(bytes, before);
#endif
    return crc32c_by_table(bytes, before);
}

} // namespace potoo::journal
