#include "engine/server/log/server_log.hpp"

#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include <unistd.h>

namespace potoo::server {
namespace {

std::string line_of(log_format format, std::string_view text)
{
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::string at = format_time(now);
    if (format == log_format::json)
        return json::serialize(json::object{{"at", at}, {"message", json::string_view(text.data(), text.size())}}) +
               "\n";
    std::string line = at + " ";
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    for (const char c : text) {
        line += c;
        if (c == '\n')
            line += "  ";
    }
    return line + "\n";
}

} // namespace

void server_log::say(std::string_view text) const noexcept
{
    try {
        const std::string line = line_of(format_, text);
        const auto written = ::write(STDERR_FILENO, line.data(), line.size());
        static_cast<void>(written);
    } catch (const std::exception& e) {
        std::fputs(e.what(), stderr);
    }
}

} // namespace potoo::server
