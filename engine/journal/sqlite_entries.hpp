#pragma once
/// @file
/// The table `entry` of `potoo.db`.

#include "engine/journal/entry.hpp"
#include "engine/journal/sqlite_connection.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace potoo::journal {

/// Changes entries, within a transaction of the caller's.
class entry_writer
{
  public:
    explicit entry_writer(sqlite_connection& connection)
        : insert_(connection.prepare("INSERT INTO entry VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING 1")),
          put_(connection.prepare(
              "INSERT INTO entry VALUES (?1, ?2, ?3, ?4) "
              "ON CONFLICT DO UPDATE SET value = excluded.value, checksum = excluded.checksum RETURNING 1")),
          erase_(connection.prepare("DELETE FROM entry WHERE kind = ?1 AND key = ?2 RETURNING 1"))
    {}

    /// @return whether it took effect
    bool carry_out(const entry_change& change);

  private:
    sqlite_statement insert_;
    sqlite_statement put_;
    sqlite_statement erase_;
};

/// As `reader::entry`.
[[nodiscard]] std::optional<std::string> read_entry(sqlite_connection& connection, const std::string& kind,
                                                    const std::string& key);

/// As `reader::entries`.
[[nodiscard]] std::vector<entry_row> read_entries(sqlite_connection& connection, const std::string& kind,
                                                  const std::string& after, std::size_t limit);

} // namespace potoo::journal
