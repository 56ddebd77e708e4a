#include "engine/journal/state_files.hpp"

#include "engine/journal/damage.hpp"
#include "engine/journal/reach_mark.hpp"
#include "engine/journal/sqlite_connection.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <string_view>
#include <system_error>

namespace potoo::journal {

namespace {

constexpr std::string_view magic{"SQLite format 3\0", 16};
constexpr std::size_t header_size = 100;

/// The first bytes of a database, as SQLite's file format has them.
class sqlite_header
{
  public:
    explicit sqlite_header(const std::filesystem::path& file)
    {
        std::ifstream in(file, std::ios::binary);
        in.read(bytes_.data(), bytes_.size());
        complete_ = static_cast<std::size_t>(in.gcount()) == bytes_.size();
        unreadable_ = in.bad() || !in.is_open();
    }

    [[nodiscard]] bool unreadable() const noexcept { return unreadable_; }

    [[nodiscard]] bool complete() const noexcept { return complete_; }

    [[nodiscard]] bool is_sqlite() const noexcept { return std::string_view(bytes_.data(), magic.size()) == magic; }

    /// How long it says the file is; 0 when it does not say.
    [[nodiscard]] std::uintmax_t file_size() const noexcept
    {
        const std::uintmax_t page = big_endian(16, 2) == 1 ? 65'536 : big_endian(16, 2);
        const bool count_is_valid = big_endian(24, 4) == big_endian(92, 4);
        return count_is_valid ? page * big_endian(28, 4) : 0;
    }

  private:
    [[nodiscard]] std::uint32_t big_endian(std::size_t at, std::size_t size) const noexcept
    {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + size; ++i)
            value = value << 8 | static_cast<unsigned char>(bytes_[i]);
        return value;
    }

    std::array<char, header_size> bytes_{};
    bool complete_ = false;
    bool unreadable_ = false;
};

void refuse_remains(const state_layout& layout)
{
    const auto file = layout.database();
    if (has_write_ahead_log(file))
        refuse_damaged(
            file, fmt::format("it is missing, but its write-ahead log '{}-wal' is there", file.filename().string()));
    if (const auto reached = reach_mark::read(layout.mark()); reached.value() > 0)
        refuse_damaged(file, fmt::format("it is missing, though '{}' says that it has reached record {}",
                                         layout.mark().filename().string(), reached.value()));
}

std::uintmax_t size_of(const std::filesystem::path& file)
{
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    return error ? 0 : size;
}

void check_database(const std::filesystem::path& file)
{
    if (size_of(file) == 0)
        refuse_damaged(file, "it is empty (0 bytes); no potoo leaves it so");
    if (is_open_here(file))
        return; // has been looked at, and must not be opened a second time
    const sqlite_header header(file);
    if (header.unreadable())
        return; // SQLite will say why
    if (!header.complete())
        refuse_damaged(file, fmt::format("it is cut off after {} bytes", size_of(file)));
    if (!header.is_sqlite())
        refuse_damaged(file, "it is not an SQLite database");
    // In this order: while another process closes the journal, the file grows first and then its log goes.
    if (has_write_ahead_log(file))
        return;
    if (const auto size = size_of(file); size < header.file_size())
        refuse_damaged(file, fmt::format("it is cut off: {} of {} bytes are there", size, header.file_size()));
}

} // namespace

bool check_state_files(const state_layout& layout)
{
    std::error_code error;
    const auto directory = std::filesystem::status(layout.directory(), error);
    if (std::filesystem::exists(directory) && !std::filesystem::is_directory(directory))
        throw store_error(store_error_kind::io,
                          fmt::format("'{}' is not a directory: a state directory has the journal 'potoo.db' in it; "
                                      "choose another with --state",
                                      layout.directory().string()));
    const auto file = layout.database();
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) {
        refuse_remains(layout);
        return false;
    }
    if (!std::filesystem::is_regular_file(status))
        throw store_error(store_error_kind::io, fmt::format("'{}' is not a file, so it cannot be the journal; choose "
                                                            "another state directory with --state",
                                                            file.string()));
    check_database(file);
    return true;
}

} // namespace potoo::journal
