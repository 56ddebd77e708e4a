#include "engine/journal/sqlite_connection.hpp"

#include "engine/journal/damage.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <sqlite3.h>
#include <sys/stat.h>
#include <system_error>

namespace potoo::journal {

namespace {

/// What the system said, for codes of SQLite that hide it.
store_error_kind kind_of_system_error(int error) noexcept
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return store_error_kind::full;
    case EACCES:
    case EPERM:
    case EROFS:
        return store_error_kind::read_only;
    case ENOENT:
        return store_error_kind::not_found;
    default:
        return store_error_kind::io;
    }
}

store_error_kind kind_of(int code, int system_error) noexcept
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return store_error_kind::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return store_error_kind::locked;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return store_error_kind::corrupt;
    case SQLITE_READONLY:
        return store_error_kind::read_only;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return kind_of_system_error(system_error);
    default:
        return store_error_kind::io;
    }
}

std::string_view advice_for(store_error_kind kind) noexcept
{
    switch (kind) {
    case store_error_kind::not_found:
        return "check --state";
    case store_error_kind::locked:
        return "another program holds it; end that program and try again";
    case store_error_kind::corrupt:
        return advice_on_damage;
    case store_error_kind::full:
        return "free some space on its device";
    case store_error_kind::read_only:
        return "make the file and its directory writable, or choose another with --state";
    default:
        return "see the system's log for the device it is on";
    }
}

/// A file name as part of a SQLite URI.
std::string escaped(const std::filesystem::path& file)
{
    std::string result;
    for (const char c : std::filesystem::absolute(file).string()) {
        if (c == '?' || c == '#' || c == '%')
            result += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        else
            result += c;
    }
    return result;
}

} // namespace

bool has_write_ahead_log(const std::filesystem::path& file)
{
    std::error_code ignored;
    const auto size = std::filesystem::file_size(file.string() + "-wal", ignored);
    return !ignored && size > 0;
}

namespace {

using inode = std::pair<dev_t, ino_t>;

std::optional<inode> inode_of(const std::filesystem::path& file)
{
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0)
        return std::nullopt;
    return inode(found.st_dev, found.st_ino);
}

/// How many connections this process has to each file.
struct open_files
{
    std::mutex mutex;
    std::map<inode, int> connections;
};

open_files& open_here()
{
    static open_files files;
    return files;
}

} // namespace

sqlite_connection::presence::presence(const std::filesystem::path& file) : inode_(inode_of(file).value_or(inode()))
{
    open_files& files = open_here();
    const std::lock_guard lock(files.mutex);
    ++files.connections[inode_];
}

sqlite_connection::presence::~presence()
{
    open_files& files = open_here();
    const std::lock_guard lock(files.mutex);
    if (--files.connections[inode_] == 0)
        files.connections.erase(inode_);
}

bool is_open_here(const std::filesystem::path& file)
{
    const auto wanted = inode_of(file);
    open_files& files = open_here();
    const std::lock_guard lock(files.mutex);
    return wanted && files.connections.contains(*wanted);
}

void sqlite_connection::close::operator()(sqlite3* db) const noexcept
{
    sqlite3_close(db);
}

sqlite_connection::sqlite_connection(const std::filesystem::path& file, sqlite_access access) : file_(file)
{
    const auto uri = "file:" + escaped(file) + (access == sqlite_access::immutable ? "?immutable=1" : "");
    const int mode = access == sqlite_access::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(uri.c_str(), &db,
                                     mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, nullptr);
    db_.reset(db);
    if (code != SQLITE_OK)
        fail(code);
    presence_.emplace(file);
    // Readers and the one writer do not wait for each other, but for the moment in which a file is recovered.
    sqlite3_busy_timeout(db, 5'000);
}

void sqlite_connection::fail(int code) const
{
    const auto* db = db_.get();
    const int system_error = db == nullptr ? ENOMEM : sqlite3_system_errno(db_.get());
    const auto kind = kind_of(code, system_error);
    auto reason = std::string(kind == store_error_kind::corrupt ? "it is damaged: " : "");
    reason += (db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_.get()));
    if (((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) && system_error != 0)
        reason += ", " + std::system_category().message(system_error);
    throw store_error(kind, fmt::format("the journal '{}': {}; {}", file_.string(), reason, advice_for(kind)));
}

void sqlite_connection::execute(const std::string& sql)
{
    const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        fail(code);
}

sqlite_statement sqlite_connection::prepare(std::string_view sql)
{
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK)
        fail(code);
    return {*this, statement};
}

std::int64_t sqlite_connection::integer(std::string_view sql)
{
    auto statement = prepare(sql);
    statement.step();
    return statement.integer(0);
}

bool sqlite_connection::in_transaction() const noexcept
{
    return sqlite3_get_autocommit(db_.get()) == 0;
}

bool sqlite_connection::is_read_only() const noexcept
{
    return sqlite3_db_readonly(db_.get(), "main") != 0;
}

void sqlite_statement::finalize::operator()(sqlite3_stmt* s) const noexcept
{
    sqlite3_finalize(s);
}

sqlite_statement& sqlite_statement::bind(int place, std::int64_t value)
{
    sqlite3_bind_int64(statement_.get(), place, value);
    return *this;
}

sqlite_statement& sqlite_statement::bind(int place, std::string_view text)
{
    const int code = sqlite3_bind_text64(statement_.get(), place, text.data() == nullptr ? "" : text.data(),
                                         text.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK)
        connection_->fail(code);
    return *this;
}

sqlite_statement& sqlite_statement::bind_blob(int place, std::string_view bytes)
{
    const int code = sqlite3_bind_blob64(statement_.get(), place, bytes.data() == nullptr ? "" : bytes.data(),
                                         bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK)
        connection_->fail(code);
    return *this;
}

sqlite_statement& sqlite_statement::bind_null(int place)
{
    sqlite3_bind_null(statement_.get(), place);
    return *this;
}

bool sqlite_statement::step()
{
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    sqlite3_reset(statement_.get());
    connection_->fail(code);
}

void sqlite_statement::run()
{
    while (step()) {}
    reset();
}

void sqlite_statement::reset() noexcept
{
    // Gives the code of the last step again, which step has reported.
    sqlite3_reset(statement_.get());
}

bool sqlite_statement::is_null(int column) const
{
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t sqlite_statement::integer(int column) const
{
    return sqlite3_column_int64(statement_.get(), column);
}

std::string sqlite_statement::text(int column) const
{
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes == nullptr ? std::string() : std::string(bytes, size);
}

sqlite_transaction::sqlite_transaction(sqlite_connection& connection, const std::string& begin)
    : connection_(connection)
{
    connection_.execute(begin);
}

sqlite_transaction::~sqlite_transaction()
{
    if (!connection_.in_transaction())
        return;
    try {
        connection_.execute("ROLLBACK");
    } catch (const store_error&) {
        // SQLite ends a transaction by itself when it can do nothing else; the error that led here is on its way.
    }
}

void sqlite_transaction::commit()
{
    connection_.execute("COMMIT");
}

} // namespace potoo::journal
