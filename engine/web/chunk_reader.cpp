#include "engine/web/chunk_reader.hpp"

#include "engine/web/text_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace potoo::web {
namespace {

/// Of a line between chunks, and of all that is behind the last.
constexpr std::size_t most_line = 4'096;

refusal bad(std::string detail)
{
    return {400, std::move(detail)};
}

/// What follows the size: nothing, or extensions.
bool is_extension(std::string_view text)
{
    return text.empty() || (trimmed(text).starts_with(';') && is_field_value(text));
}

bool is_trailer(std::string_view line)
{
    const std::size_t colon = line.find(':');
    return colon != std::string_view::npos && is_token(line.substr(0, colon)) && is_field_value(line);
}

} // namespace

or_refusal<void> chunk_reader::take_line(std::string_view line, std::size_t room)
{
    if (at_ == part::line_end) {
        if (!line.empty())
            return bad("a chunk of the body is longer than it says");
        at_ = part::size;
        return {};
    }
    if (at_ == part::trailer) {
        trailer_bytes_ += line.size();
        if (!line.empty() && !is_trailer(line))
            return bad("behind the last chunk of the body is what is no field");
        if (trailer_bytes_ > most_line)
            return refusal(431, "the fields behind the body are too long");
        if (line.empty())
            at_ = part::end;
        return {};
    }
    const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
    const std::string_view rest = line.substr(static_cast<std::size_t>(end - line.data()));
    if (ec == std::errc::result_out_of_range)
        return refusal(413, "a chunk of the body is too large");
    if (ec != std::errc() || line.starts_with('-') || !is_extension(rest))
        return bad("the size of a chunk of the body is no hexadecimal number");
    if (left_ > room)
        return refusal(413, "the body is too large");
    at_ = left_ == 0 ? part::trailer : part::data;
    return {};
}

or_refusal<std::size_t> chunk_reader::put(std::string_view bytes, std::string& body, std::size_t body_limit)
{
    std::size_t taken = 0;
    while (!done()) {
        const std::string_view rest = bytes.substr(taken);
        if (at_ == part::data) {
            const std::size_t n = std::min(left_, rest.size());
            body += rest.substr(0, n);
            left_ -= n;
            taken += n;
            if (left_ > 0)
                break;
            at_ = part::line_end;
            continue;
        }
        const std::size_t feed = rest.find('\n');
        if (at_ == part::line_end && !rest.empty() && rest[0] != '\r')
            return bad("a chunk of the body is longer than it says");
        if (feed == std::string_view::npos && rest.size() > most_line)
            return bad("a line between the chunks of the body is too long");
        if (feed == std::string_view::npos)
            break;
        if (feed == 0 || rest[feed - 1] != '\r')
            return bad("a line between the chunks of the body ends without a carriage return");
        const auto line = take_line(rest.substr(0, feed - 1), body_limit - body.size());
        if (!line)
            return line.error();
        taken += feed + 1;
    }
    return taken;
}

} // namespace potoo::web
