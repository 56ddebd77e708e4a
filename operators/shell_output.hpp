#pragma once
/// @file
/// What a command leaves behind as its task's output.

#include <potoo/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::shell {

/// The largest output of a task.
constexpr std::size_t output_limit = std::size_t{1} << 20;

/// Keeps the last line that is not blank of text that comes in pieces.
class last_line
{
  public:
    explicit last_line(std::size_t limit) : limit_(limit) {}

    void add(std::string_view piece);

    /// Without its line end; empty when there was none. At most `limit` bytes of it.
    [[nodiscard]] std::string_view text() const;

    /// The line is longer than the limit.
    [[nodiscard]] bool cut() const;

  private:
    struct line
    {
        std::string text;
        bool cut = false;
    };

    void append(line& to, std::string_view piece) const;

    std::size_t limit_;
    line last_;
    line current_; ///< has no line end yet
};

/// An empty file, removed in the end, whose path the command gets.
class output_file
{
  public:
    /// In `TMPDIR`, else /tmp. @throws failure
    output_file();
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// What is in it; nothing when it is empty or was removed. @throws failure when it is too large or cannot be read
    [[nodiscard]] std::optional<std::string> read() const;

  private:
    std::string path_;
};

/// @throws failure with line and column
[[nodiscard]] json::value parse_output_file(std::string_view content);

/// Nothing when it is not JSON.
[[nodiscard]] std::optional<json::value> try_parse(std::string_view text);

} // namespace potoo::shell
