#include "engine/journal/sqlite_entries.hpp"

#include "engine/journal/checksum.hpp"
#include "engine/journal/damage.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <utility>

namespace potoo::journal {

bool entry_writer::carry_out(const entry_change& change)
{
    const bool erases = change.verb == entry_verb::erase;
    auto& statement = erases ? erase_ : (change.verb == entry_verb::insert ? insert_ : put_);
    statement.bind(1, change.kind).bind(2, change.key);
    if (!erases)
        statement.bind(3, change.value).bind(4, checksum_of(change.kind, change.key, change.value));
    const bool took_effect = statement.step();
    statement.run();
    return took_effect;
}

namespace {

/// The value in the columns 0 and 1.
std::string checked_value(const sqlite_connection& connection, const sqlite_statement& row, const std::string& kind,
                          const std::string& key)
{
    auto value = row.text(0);
    if (row.integer(1) != checksum_of(kind, key, value))
        refuse_damaged(connection.file(), fmt::format("entry '{}' of kind '{}' is not as it was written", key, kind));
    return value;
}

} // namespace

std::optional<std::string> read_entry(sqlite_connection& connection, const std::string& kind, const std::string& key)
{
    auto query = connection.prepare("SELECT value, checksum FROM entry WHERE kind = ?1 AND key = ?2");
    if (!query.bind(1, kind).bind(2, key).step())
        return std::nullopt;
    return checked_value(connection, query, kind, key);
}

std::vector<entry_row> read_entries(sqlite_connection& connection, const std::string& kind, const std::string& after,
                                    std::size_t limit)
{
    auto query =
        connection.prepare("SELECT value, checksum, key FROM entry WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3");
    query.bind(1, kind).bind(2, after).bind(3, limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(limit));
    std::vector<entry_row> result;
    while (query.step()) {
        auto key = query.text(2);
        auto value = checked_value(connection, query, kind, key);
        result.push_back({std::move(key), std::move(value)});
    }
    return result;
}

} // namespace potoo::journal
