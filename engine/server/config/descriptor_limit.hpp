#pragma once
/// @file
/// How many files and connections the process may have open (`ulimit -n`).

#include <cstddef>

namespace potoo::server {

/// For the journal, the processes of tasks and connections to elsewhere.
inline constexpr std::size_t descriptor_reserve = 256;

/// Raises the limit of this process as far as is allowed and of use for so many connections. Programs that it starts
/// inherit it. @return the limit from now on
[[nodiscard]] std::size_t raise_descriptor_limit(std::size_t connections) noexcept;

/// Of the connections that are wanted, as many as leave the reserve free. At least one.
[[nodiscard]] std::size_t connections_within(std::size_t descriptors, std::size_t wanted) noexcept;

} // namespace potoo::server
