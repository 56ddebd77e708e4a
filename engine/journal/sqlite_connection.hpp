#pragma once
/// @file
/// SQLite with its resources owned and its errors as `store_error`.

#include "engine/journal/store_error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace potoo::journal {

class sqlite_statement;

/// Is there something beside the file that is not in it yet? So it is while it is written, and after a kill.
[[nodiscard]] bool has_write_ahead_log(const std::filesystem::path& file);

enum class sqlite_access : std::uint8_t
{
    read_write,
    read_only,
    immutable, ///< read only, from a medium that nobody can write
};

/// Does this process have a connection to the file? Then nothing else in it may open and close the file: POSIX takes
/// all of a process's locks on a file with the first descriptor that is closed, and another program that looks into the
/// journal would take it for abandoned and delete its write-ahead log.
[[nodiscard]] bool is_open_here(const std::filesystem::path& file);

/// One open database. For one thread at a time.
class sqlite_connection
{
  public:
    /// @throws store_error
    sqlite_connection(const std::filesystem::path& file, sqlite_access access);
    sqlite_connection(const sqlite_connection&) = delete;
    sqlite_connection& operator=(const sqlite_connection&) = delete;
    ~sqlite_connection() = default;

    /// Runs statements that give nothing back.
    void execute(const std::string& sql);

    [[nodiscard]] sqlite_statement prepare(std::string_view sql);

    /// The first column of the only row.
    [[nodiscard]] std::int64_t integer(std::string_view sql);

    [[nodiscard]] bool in_transaction() const noexcept;

    /// Cannot be opened for writing although that was asked for.
    [[nodiscard]] bool is_read_only() const noexcept;

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

    [[noreturn]] void fail(int code) const;

  private:
    struct close
    {
        void operator()(sqlite3* db) const noexcept;
    };

    /// Tells `is_open_here` of the file, for as long as it lives.
    class presence
    {
      public:
        explicit presence(const std::filesystem::path& file);
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
        ~presence();

      private:
        std::pair<dev_t, ino_t> inode_;
    };

    std::filesystem::path file_;
    std::optional<presence> presence_; ///< from when it is open until after it was closed
    std::unique_ptr<sqlite3, close> db_;
};

/// A prepared statement. Text that is bound must live until `reset` or the next `bind` of the same place.
class sqlite_statement
{
  public:
    sqlite_statement(const sqlite_connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement)
    {}

    sqlite_statement& bind(int place, std::int64_t value);
    sqlite_statement& bind(int place, std::string_view text);
    sqlite_statement& bind_blob(int place, std::string_view bytes);
    sqlite_statement& bind_null(int place);

    /// @return whether there is a row
    bool step();

    /// Runs it to its end and makes it ready for the next time.
    void run();

    /// As before the first `step`; what is bound stays.
    void reset() noexcept;

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

  private:
    struct finalize
    {
        void operator()(sqlite3_stmt* s) const noexcept;
    };

    const sqlite_connection* connection_;
    std::unique_ptr<sqlite3_stmt, finalize> statement_;
};

/// Begins a transaction, and rolls it back unless it was committed.
class sqlite_transaction
{
  public:
    /// @param begin `BEGIN IMMEDIATE` to write, `BEGIN` to read
    sqlite_transaction(sqlite_connection& connection, const std::string& begin);
    sqlite_transaction(const sqlite_transaction&) = delete;
    sqlite_transaction& operator=(const sqlite_transaction&) = delete;
    ~sqlite_transaction();

    void commit();

  private:
    sqlite_connection& connection_;
};

} // namespace potoo::journal
