#pragma once
/// @file
/// Tables and views of `potoo.db`, and how a file is told to be one.

#include "engine/journal/sqlite_connection.hpp"

#include <cstdint>

namespace potoo::journal {

/// `PRAGMA application_id` of our files: "POTO".
inline constexpr std::int64_t application_id = 0x504f544f;

/// Rows of `journal` whose `seq` divided by this is equal form an extent. `journal_extent` says which extents a run has
/// records in: an index that costs one row for up to so many records.
inline constexpr std::uint64_t extent_size = 1'024;

/// Makes an empty file that nobody else knows yet a journal; nothing is synced.
/// @throws store_error
void create_tables(sqlite_connection& connection);

/// Brings an older journal up to date, refuses all that is none.
/// @throws store_error
void prepare_for_writing(sqlite_connection& connection);

/// @throws store_error when this potoo cannot read it
void check_for_reading(sqlite_connection& connection);

/// Looks at the whole file. @throws store_error `corrupt`
void check_integrity(sqlite_connection& connection);

} // namespace potoo::journal
