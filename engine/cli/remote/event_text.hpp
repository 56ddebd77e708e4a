#pragma once
/// @file
/// `text/event-stream` as servers send it.

#include <functional>
#include <string>
#include <string_view>

namespace potoo::cli {

struct stream_message
{
    std::string event; ///< empty = an ordinary one
    std::string id;    ///< the last that was given
    std::string data;
};

/// Puts messages together from pieces of any size.
class event_text
{
  public:
    /// Most bytes of one message; a server that sends more is none of ours.
    static constexpr std::size_t longest_message = 64UL * 1024 * 1024;

    /// @param sink called with every message that is whole; false ends it
    /// @return false when the sink wants no more, or the message is too long
    [[nodiscard]] bool add(std::string_view piece, const std::function<bool(const stream_message&)>& sink);

  private:
    [[nodiscard]] bool end_line(const std::function<bool(const stream_message&)>& sink);

    std::string line_;
    stream_message message_;
    bool has_data_ = false;
    bool after_return_ = false;
};

} // namespace potoo::cli
