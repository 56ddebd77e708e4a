#pragma once
/// @file
/// Lines to a descriptor whose reader may stall.

#include <cstddef>
#include <string>
#include <string_view>

namespace potoo::server {

/// Never waits for the reader: what it does not take is kept as far as there is room, and dropped beyond it.
class log_stream
{
  public:
    /// @param fd stays open for as long as this lives; nobody else writes to it meanwhile
    /// @param room bytes that are kept
    explicit log_stream(int fd, std::size_t room = 256 * 1024) : fd_(fd), room_(room) {}

    /// @return false when the line was dropped
    bool write(std::string_view line);

  private:
    /// Whether there is room for so many bytes, once the reader was given what it takes now.
    [[nodiscard]] bool has_room(std::size_t bytes);

    /// Gives the reader what it takes now.
    void flush();

    int fd_;
    std::size_t room_;
    std::string kept_;
    std::size_t given_ = 0; ///< of `kept_`
};

} // namespace potoo::server
