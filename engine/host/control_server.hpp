#pragma once
/// @file
/// Listens on the control socket: one request and one answer a line.

#include "engine/journal/state_dir.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace potoo::host {

/// How much others may ask of the engine.
struct control_limits
{
    std::size_t connections = 64;                          ///< more wait until one of these has ended
    std::size_t request_bytes = 33UL * 1024 * 1024;        ///< of one line: the largest result as a JSON string
    std::chrono::milliseconds time_to_ask{10'000};         ///< for a line to arrive whole
    std::chrono::milliseconds time_to_answer{600'000};     ///< for the engine
    std::chrono::milliseconds time_to_take_answer{10'000}; ///< for the client to read it
    std::chrono::milliseconds time_to_take_leave{1'000};   ///< for the client to read it while the server ends
};

/// Reads and writes on a thread of its own. On the engine's loop an open `accept` would keep a program's io_context
/// from returning when all runs have ended, and clients would take turns from operators.
class control_server
{
  public:
    /// To be called once, on any thread, with one line without its end. May be called when the server is gone.
    using reply = std::function<void(std::string)>;

    /// Called on the server's thread, with one line without its end.
    using handler = std::function<void(std::string, reply)>;

    /// The caller holds the directory's lock. @throws journal::store_error
    control_server(const journal::state_layout& layout, handler on_request, control_limits limits = {});

    /// Answers that were given by now are still sent.
    ~control_server();

    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

  private:
    class connection;
    struct parts;

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::host
