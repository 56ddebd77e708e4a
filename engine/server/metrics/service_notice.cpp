#include "engine/server/metrics/service_notice.hpp"

#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace potoo::server {
namespace {

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::optional<std::int64_t> number(const std::string& text)
{
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc() || end != text.data() + text.size() || n <= 0)
        return std::nullopt;
    return n;
}

/// A message is lines; a status must be one.
std::string one_line(std::string_view text)
{
    std::string out(text);
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
}

std::int64_t monotonic_usec()
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1'000;
}

} // namespace

service_notice::service_notice(std::string socket, std::optional<duration> watchdog)
    : socket_(std::move(socket)), watchdog_(watchdog)
{}

service_notice service_notice::from_environment()
{
    const std::string socket = variable("NOTIFY_SOCKET");
    const auto usec = number(variable("WATCHDOG_USEC"));
    const auto whose = number(variable("WATCHDOG_PID"));
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
        ::unsetenv(name);
    std::optional<duration> watchdog;
    if (usec && (!whose || *whose == ::getpid()))
        watchdog = duration(std::max<std::int64_t>(*usec / 1'000, 1));
    return service_notice(socket, watchdog);
}

void service_notice::tell(const std::string& message) const
{
    sockaddr_un address{};
    if (socket_.empty() || socket_.size() >= sizeof address.sun_path)
        return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (address.sun_path[0] == '@') // an abstract socket
        address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    const int s = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return;
    ::sendto(s, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address), size);
    ::close(s);
}

void service_notice::ready(std::string_view text) const
{
    tell(fmt::format("READY=1\nSTATUS={}", one_line(text)));
}

void service_notice::reloading() const
{
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_usec()));
}

void service_notice::stopping(std::string_view text) const
{
    tell(fmt::format("STOPPING=1\nSTATUS={}", one_line(text)));
}

void service_notice::status(std::string_view text) const
{
    tell(fmt::format("STATUS={}", one_line(text)));
}

task<> service_notice::keep_watchdog(std::function<bool()> healthy) const
{
    if (!wanted() || !watchdog_)
        co_return;
    for (;;) {
        if (healthy())
            tell("WATCHDOG=1");
        co_await sleep_for(*watchdog_ / 2);
    }
}

} // namespace potoo::server
