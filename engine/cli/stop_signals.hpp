#pragma once
/// @file
/// Ctrl-C and its like: the first asks the program to stop, a second one ends it at once.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <functional>
#include <string>

#include <csignal>

namespace potoo::cli {

/// Takes SIGINT, SIGTERM and SIGHUP over, whatever the parent process had set or blocked, and ignores SIGPIPE. One at a
/// time.
///
/// The second signal ends the process from the handler, with exit code 3, even while the loop is blocked. Signals that
/// come within a moment of the first count as the same: `timeout` and a terminal's group both send theirs twice.
class stop_signals
{
  public:
    /// @param on_first called on the loop, once
    /// @param restore written to standard error before the process ends or is suspended, to bring a terminal back;
    /// static
    /// @param on_hangup called on the loop for every SIGHUP, which then is no reason to stop; empty = it is
    stop_signals(boost::asio::io_context& context, const char* restore, std::function<void(int)> on_first,
                 std::function<void()> on_hangup = {});
    ~stop_signals();

    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;

  private:
    void wait();

    static constexpr std::array<int, 5> taken{SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGTSTP};

    boost::asio::posix::stream_descriptor read_end_;
    int write_end_ = -1;
    char signal_ = 0;
    std::function<void(int)> on_first_;
    std::function<void()> on_hangup_;
    std::array<struct sigaction, taken.size()> before_{};
    sigset_t mask_before_{};
};

/// `SIGINT`, …
[[nodiscard]] std::string signal_name(int signal);

} // namespace potoo::cli
