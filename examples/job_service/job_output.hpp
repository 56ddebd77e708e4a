#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace job_service {

/// The last line with something in it of a stream that arrives in pieces. Lines longer than 256 KiB are cut.
class last_line
{
  public:
    void append(std::string_view piece);
    std::string text() const;

  private:
    std::string complete_;
    std::string unfinished_;
};

/// What a job wrote: the newest bytes of both streams in order of arrival, and the last line of each.
class job_output
{
  public:
    explicit job_output(std::size_t limit) : limit_(limit) {}

    void append_stdout(std::string_view piece);
    void append_stderr(std::string_view piece);

    /// Bytes written so far, kept or not.
    std::uint64_t size() const { return dropped_ + kept_.size(); }

    /// Offset of the oldest byte that is kept.
    std::uint64_t start() const;

    /// The kept bytes from `offset` on (from `start()` if that is later).
    std::string_view from(std::uint64_t offset) const;

    std::string last_stdout_line() const { return stdout_.text(); }

    std::string last_stderr_line() const { return stderr_.text(); }

  private:
    void append(std::string_view piece);

    std::size_t limit_;
    std::string kept_; // up to twice the limit, so that dropping old bytes costs little per byte
    std::uint64_t dropped_ = 0;
    last_line stdout_;
    last_line stderr_;
};

/// The text as a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string quoted(std::string_view text);

/// The text itself if it is a JSON document, else as a JSON string; "null" for an empty one.
std::string json_or_quoted(std::string_view text);

} // namespace job_service
