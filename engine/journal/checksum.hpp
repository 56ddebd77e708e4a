#pragma once
/// @file
/// The checksums that rows of `potoo.db` carry: of all that is written once and never changes.

#include "engine/journal/record.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>

namespace potoo::journal {

/// Of every field of the record, and of its place.
[[nodiscard]] std::int32_t checksum_of(record_seq seq, const record& r) noexcept;

/// Of what a run is made with: number, id, parameters and time.
[[nodiscard]] std::int32_t checksum_of(run_number number, const run_id& id, const std::string& params,
                                       wall_time created) noexcept;

[[nodiscard]] std::int32_t checksum_of(const dag_document& dag) noexcept;

} // namespace potoo::journal
