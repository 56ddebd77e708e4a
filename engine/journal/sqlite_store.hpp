#pragma once
/// @file
/// The journal in one SQLite file, `potoo.db`: write-ahead log, `synchronous=FULL`, one writer, any number of readers.

#include "engine/journal/state_dir.hpp"
#include "engine/journal/store.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace potoo::journal {

/// Version of the tables that this potoo writes. Older ones are brought up to it on opening for writing.
inline constexpr int schema_version = 3;

/// Opens the journal of a state directory for writing; creates it (mode 0600) when it is not there. The caller holds
/// the directory's `state_lock`. After an engine that was killed, a file of up to 32 MiB is checked whole; records are
/// checked when they are read.
/// @throws store_error `corrupt` when the directory is torn: files are missing, cut off or older than what was recorded
[[nodiscard]] std::unique_ptr<store> open_sqlite_store(const state_layout& layout);

/// Opens it for reading, without a lock and while an engine may be writing. One of an older version is brought up to
/// date first, if no engine holds it.
/// @throws store_error `not_found` when there is none, `older_version` when it cannot be brought up to date
[[nodiscard]] std::unique_ptr<reader> open_sqlite_reader(const state_layout& layout);

} // namespace potoo::journal
