#pragma once
/// @file
/// CRC-32C (Castagnoli), by the processor's own instruction where there is one.

#include <cstdint>
#include <string_view>

namespace potoo::journal {

/// Goes on from the checksum of what came before; 0 = nothing did.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

/// The same by table, as on processors without the instruction.
[[nodiscard]] std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before = 0) noexcept;

} // namespace potoo::journal
