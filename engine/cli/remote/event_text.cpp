#include "engine/cli/remote/event_text.hpp"

#include <utility>

namespace potoo::cli {

bool event_text::add(std::string_view piece, const std::function<bool(const stream_message&)>& sink)
{
    while (!piece.empty()) {
        if (after_return_ && piece.front() == '\n')
            piece.remove_prefix(1);
        after_return_ = false;
        const auto end = piece.find_first_of("\r\n");
        line_ += piece.substr(0, end);
        if (line_.size() + message_.data.size() > longest_message)
            return false;
        if (end == std::string_view::npos)
            return true;
        after_return_ = piece[end] == '\r';
        piece.remove_prefix(end + 1);
        if (!end_line(sink))
            return false;
    }
    return true;
}

bool event_text::end_line(const std::function<bool(const stream_message&)>& sink)
{
    const std::string line = std::exchange(line_, {});
    if (line.empty()) {
        const bool whole = std::exchange(has_data_, false);
        const bool more = !whole || sink(message_);
        message_.event.clear();
        message_.data.clear();
        return more;
    }
    const auto colon = line.find(':');
    const std::string_view field = std::string_view(line).substr(0, colon);
    std::string_view value = colon == std::string::npos ? std::string_view() : std::string_view(line).substr(colon + 1);
    if (value.starts_with(' '))
        value.remove_prefix(1);
    if (field == "data") {
        message_.data += has_data_ ? "\n" : "";
        message_.data += value;
        has_data_ = true;
    } else if (field == "event") {
        message_.event = value;
    } else if (field == "id") {
        message_.id = value;
    }
    return true;
}

} // namespace potoo::cli
