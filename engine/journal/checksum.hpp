#pragma once
/// @file
/// The checksums that rows of `potoo.db` carry: of all that is written as a whole.

#include "engine/journal/record.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>
#include <string>

namespace potoo::journal {

/// Of every field of the record, and of its place.
[[nodiscard]] std::int32_t checksum_of(record_seq seq, const record& r) noexcept;

/// Of what a run is made with: number, id, parameters, time, and its origin if it has one.
[[nodiscard]] std::int32_t checksum_of(run_number number, const run_id& id, const std::string& params,
                                       wall_time created, const std::string& origin) noexcept;

[[nodiscard]] std::int32_t checksum_of(const dag_document& dag) noexcept;

/// Of an entry.
[[nodiscard]] std::int32_t checksum_of(const std::string& kind, const std::string& key,
                                       const std::string& value) noexcept;

} // namespace potoo::journal
