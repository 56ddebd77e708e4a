#include "job_output.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace job_service {

namespace json = boost::json;

namespace {

constexpr std::size_t line_limit = 256 * 1024;
constexpr std::string_view blanks = " \t\r";
constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

std::string_view trimmed(std::string_view line)
{
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

// Length of the well-formed UTF-8 sequence at the front; 0 if there is none.
std::size_t utf8_sequence(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto lead = byte(0);
    if (lead < 0x80)
        return 1;
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : (lead & 0xF0) == 0xE0        ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80)
            return 0;
    const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    const bool too_large = lead == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

std::string valid_utf8(std::string_view text)
{
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const auto length = utf8_sequence(text);
        valid += length ? text.substr(0, length) : replacement_character;
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return valid;
}

} // namespace

void last_line::append(std::string_view piece)
{
    const auto last_newline = piece.rfind('\n');
    if (last_newline != std::string_view::npos) {
        auto lines = piece.substr(0, last_newline);
        const auto first_newline = lines.find('\n');
        unfinished_.append(lines.substr(0, first_newline));
        lines.remove_prefix(first_newline == std::string_view::npos ? lines.size() : first_newline + 1);
        if (!trimmed(unfinished_).empty())
            complete_ = trimmed(unfinished_);
        unfinished_.clear();
        while (!lines.empty()) {
            const auto newline = lines.rfind('\n');
            const auto line = trimmed(newline == std::string_view::npos ? lines : lines.substr(newline + 1));
            if (!line.empty()) {
                complete_ = line;
                break;
            }
            lines = newline == std::string_view::npos ? std::string_view{} : lines.substr(0, newline);
        }
        piece.remove_prefix(last_newline + 1);
    }
    unfinished_.append(piece.substr(0, line_limit - std::min(line_limit, unfinished_.size())));
}

std::string last_line::text() const
{
    const auto line = trimmed(unfinished_);
    return line.empty() ? complete_ : std::string(line);
}

void job_output::append_stdout(std::string_view piece)
{
    stdout_.append(piece);
    append(piece);
}

void job_output::append_stderr(std::string_view piece)
{
    stderr_.append(piece);
    append(piece);
}

void job_output::append(std::string_view piece)
{
    kept_.append(piece);
    if (kept_.size() <= 2 * limit_)
        return;
    const auto surplus = kept_.size() - limit_;
    kept_.erase(0, surplus);
    dropped_ += surplus;
}

std::uint64_t job_output::start() const
{
    return kept_.size() > limit_ ? size() - limit_ : dropped_;
}

std::string_view job_output::from(std::uint64_t offset) const
{
    const auto first = std::clamp(offset, start(), size());
    return std::string_view(kept_).substr(first - dropped_);
}

std::string quoted(std::string_view text)
{
    return json::serialize(json::value(json::string(valid_utf8(text))));
}

std::string json_or_quoted(std::string_view text)
{
    if (text.empty())
        return "null";
    boost::system::error_code error;
    json::parse(text, error);
    return error ? quoted(text) : std::string(text);
}

} // namespace job_service
