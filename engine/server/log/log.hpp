#pragma once
/// @file
/// What a server tells whoever runs it: one line a record, as text or as JSON.

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server {

enum class log_format;

enum class log_level : std::uint8_t
{
    debug,
    info,
    warning,
    error,
};

/// `debug`, `info`, `warning`, `error`.
[[nodiscard]] std::string_view to_string(log_level l) noexcept;

using log_field = std::pair<std::string_view, json::value>;

/// Waits for nobody: what the reader does not take is dropped, and it is told how much that was.
class log
{
  public:
    struct options
    {
        log_format format{};
        log_level least = log_level::info; ///< what is less important is dropped
        /// Text gets the priority in front that journald reads (`<4>`), and no time, which journald has.
        bool to_journald = false;
    };

    /// @param write takes a line with its end, false = it was dropped; the standard error stream if it is empty
    /// @param now the present time; the system's clock if it is empty
    explicit log(options o, std::function<bool(std::string_view)> write = {}, std::function<wall_time()> now = {});

    /// True where systemd reads the standard error stream (`JOURNAL_STREAM` names it).
    [[nodiscard]] static bool stderr_is_journald();

    [[nodiscard]] bool wants(log_level l) const noexcept { return l >= options_.least; }

    /// From now on.
    void set_least(log_level l) noexcept { options_.least = l; }

    /// @param fields besides `at`, `level` and `message`, in order. In text they follow as `name=value`.
    void write(log_level l, std::string_view message, std::vector<log_field> fields = {}) const;

    void debug(std::string_view message, std::vector<log_field> fields = {}) const
    {
        write(log_level::debug, message, std::move(fields));
    }

    void info(std::string_view message, std::vector<log_field> fields = {}) const
    {
        write(log_level::info, message, std::move(fields));
    }

    void warning(std::string_view message, std::vector<log_field> fields = {}) const
    {
        write(log_level::warning, message, std::move(fields));
    }

    void error(std::string_view message, std::vector<log_field> fields = {}) const
    {
        write(log_level::error, message, std::move(fields));
    }

  private:
    [[nodiscard]] std::string line(log_level l, std::string_view message, std::vector<log_field> fields) const;
    [[nodiscard]] std::string text_line(log_level l, std::string_view message,
                                        const std::vector<log_field>& fields) const;
    [[nodiscard]] std::string json_line(log_level l, std::string_view message, std::vector<log_field> fields) const;

    options options_;
    std::function<bool(std::string_view)> write_;
    std::function<wall_time()> now_;
    mutable std::uint64_t lost_ = 0; ///< lines since the last that was taken
};

} // namespace potoo::server
