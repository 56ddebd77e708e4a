#pragma once
/// @file
/// Waiting in a command that only looks on: Ctrl-C and its like end the looking.

#include "engine/cli/stop_signals.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace potoo::cli {

/// Takes Ctrl-C and its like over while it lives.
class stop_wait
{
  public:
    stop_wait();

    /// Returns early when a signal comes.
    void wait(std::chrono::milliseconds time);

    /// That has come; 0 = none.
    [[nodiscard]] int signal() const noexcept { return signal_; }

  private:
    boost::asio::io_context context_{1};
    int signal_ = 0;
    stop_signals signals_;
};

/// Nobody reads standard output any more.
[[nodiscard]] bool reader_has_gone();

} // namespace potoo::cli
