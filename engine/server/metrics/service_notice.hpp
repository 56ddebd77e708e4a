#pragma once
/// @file
/// What systemd is told of a service with `Type=notify`: a datagram each, no library.

#include <potoo/loop.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::server {

class service_notice
{
  public:
    /// Nobody is told.
    service_notice() = default;

    /// @param socket as `NOTIFY_SOCKET` has it; empty = nobody is told
    /// @param watchdog within so much time systemd wants a sign of life
    explicit service_notice(std::string socket, std::optional<duration> watchdog = {});

    /// By `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, which are then removed from the environment, so that the
    /// programs that tasks start do not speak for the service. To be called before there are threads.
    [[nodiscard]] static service_notice from_environment();

    void ready(std::string_view status) const;
    void reloading() const;
    void stopping(std::string_view status) const;

    /// One line that `systemctl status` shows.
    void status(std::string_view text) const;

    /// There is somebody to tell.
    [[nodiscard]] bool wanted() const noexcept { return !socket_.empty(); }

    /// Gives signs of life, as often as systemd wants them and while `healthy` says so, until it is cancelled. Since it
    /// runs on the loop, a loop that stands still gives none. Ends at once where none are wanted.
    [[nodiscard]] task<> keep_watchdog(std::function<bool()> healthy) const;

  private:
    void tell(const std::string& message) const;

    std::string socket_;
    std::optional<duration> watchdog_;
};

} // namespace potoo::server
