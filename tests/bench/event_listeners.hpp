#pragma once
/// @file
/// Many subscribers of a server's events, each on a WebSocket of its own, all in this thread. One of them reads what it
/// is told; the others look at the cursor of each message and throw the rest away, so that it is the server that is
/// measured.

#include "http_exchange.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::bench {

/// One of them.
class event_listener
{
  public:
    /// Asks for events from now on.
    event_listener(std::uint16_t port, bool reads);

    /// Takes what has come, not much at a time.
    void take();

    [[nodiscard]] int descriptor() const { return socket_.descriptor(); }

    /// Up to this record it was told everything, in messages that are complete.
    [[nodiscard]] std::uint64_t cursor() const { return cursor_; }

    /// It was told something.
    [[nodiscard]] bool greeted() const { return messages_ > 0; }

    [[nodiscard]] bool lagging() const { return lagging_; }

    [[nodiscard]] bool over() const { return over_; }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// What it has read since it was asked last.
    [[nodiscard]] std::string read() { return std::exchange(read_, {}); }

  private:
    void fill();
    bool digest();
    bool digest_answer();
    bool digest_frame();
    void hear(unsigned opcode, std::string_view beginning);
    void complete();

    loopback_socket socket_;
    bool reads_;
    bool upgraded_ = false;
    bool over_ = false;
    bool lagging_ = false;
    std::string pending_;    ///< what was not looked at yet
    std::uint64_t rest_ = 0; ///< of a message, to be thrown away
    std::uint64_t coming_ = 0;
    std::uint64_t cursor_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::string read_;
};

class event_listeners
{
  public:
    /// @throws std::runtime_error unless all of them are welcome
    event_listeners(std::uint16_t port, std::size_t count);
    ~event_listeners();
    event_listeners(const event_listeners&) = delete;
    event_listeners& operator=(const event_listeners&) = delete;

    struct delivery
    {
        std::uint64_t events = 0;                          ///< to all of them together
        std::chrono::system_clock::time_point last_change; ///< end of the run
        std::chrono::system_clock::time_point last_told;   ///< the last of them has it
    };

    /// Takes what comes until all were told the end of the run, or were told that they are too slow.
    /// @throws std::runtime_error when that takes longer than a minute
    [[nodiscard]] delivery until_all_know_the_end_of(const std::string& run);

    [[nodiscard]] std::size_t lagging() const;

    [[nodiscard]] std::uint64_t bytes() const;

  private:
    void take_some();

    int epoll_;
    std::vector<event_listener> all_;
};

} // namespace potoo::bench
