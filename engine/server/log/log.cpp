#include "engine/server/log/log.hpp"

#include "engine/server/config/server_config.hpp"
#include "engine/server/log/log_stream.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

namespace potoo::server {
namespace {

wall_time system_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

int priority(log_level l)
{
    switch (l) {
    case log_level::debug:
        return 7;
    case log_level::info:
        return 6;
    case log_level::warning:
        return 4;
    case log_level::error:
        return 3;
    }
    return 6;
}

/// What others wrote must neither begin a record of its own nor move the cursor of a terminal.
std::string on_one_line(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += ' ';
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out;
}

std::string field_text(const json::value& v)
{
    if (!v.is_string())
        return json::serialize(v);
    const std::string_view text = v.get_string();
    const bool plain = !text.empty() && text.find_first_of(" \"=\\\t\n") == std::string_view::npos;
    return plain ? on_one_line(text) : json::serialize(v);
}

} // namespace

std::string_view to_string(log_level l) noexcept
{
    switch (l) {
    case log_level::debug:
        return "debug";
    case log_level::info:
        return "info";
    case log_level::warning:
        return "warning";
    case log_level::error:
        return "error";
    }
    return "?";
}

log::log(options o, std::function<bool(std::string_view)> write, std::function<wall_time()> now)
    : options_(o), write_(std::move(write)), now_(now ? std::move(now) : system_now)
{
    if (!write_)
        write_ = [stream = std::make_shared<log_stream>(STDERR_FILENO)](std::string_view line) {
            return stream->write(line);
        };
}

bool log::stderr_is_journald()
{
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct ::stat file{};
    if (!stream || ::fstat(STDERR_FILENO, &file) != 0)
        return false;
    return fmt::format("{}:{}", file.st_dev, file.st_ino) == stream;
}

void log::write(log_level l, std::string_view message, std::vector<log_field> fields) const
{
    if (!wants(l))
        return;
    if (lost_ > 0 &&
        write_(line(log_level::warning, fmt::format("{} lines of the log were lost: nobody has read it", lost_), {})))
        lost_ = 0;
    if (lost_ > 0 || !write_(line(l, message, std::move(fields))))
        ++lost_;
}

std::string log::line(log_level l, std::string_view message, std::vector<log_field> fields) const
{
    return options_.format == log_format::json ? json_line(l, message, std::move(fields))
                                               : text_line(l, message, fields);
}

std::string log::text_line(log_level l, std::string_view message, const std::vector<log_field>& fields) const
{
    std::string line = options_.to_journald ? fmt::format("<{}>", priority(l))
                                            : fmt::format("{} {:7} ", format_time(now_()), to_string(l));
    line += on_one_line(message);
    for (const auto& [name, value] : fields)
        line += fmt::format(" {}={}", name, field_text(value));
    line += '\n';
    return line;
}

std::string log::json_line(log_level l, std::string_view message, std::vector<log_field> fields) const
{
    json::object o;
    o["at"] = format_time(now_());
    o["level"] = to_string(l);
    o["message"] = message;
    for (auto& [name, value] : fields)
        o.emplace(name, std::move(value));
    return json::serialize(o) + "\n";
}

} // namespace potoo::server
