#pragma once
/// @file
/// Sizes of memory as people write them: `512MiB`, `2GiB`, `1.5GB`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::runtime {

/// A number, whole or with a fraction, and its unit: `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`,
/// `TiB` (powers of 1024); spaces between them and small letters are fine.
/// @return nothing when `text` is not such a size, or more than 10^18 bytes
[[nodiscard]] std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// With one digit after the point: `1.5 GiB`. Less than 1 KiB is `0.x KiB`.
[[nodiscard]] std::string format_byte_size(std::uint64_t bytes);

} // namespace potoo::runtime
