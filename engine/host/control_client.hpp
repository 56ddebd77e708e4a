#pragma once
/// @file
/// Asks the engine that is alive on a state directory.

#include "engine/journal/state_dir.hpp"

#include <potoo/time.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace potoo::host {

/// Why there is no answer.
enum class control_failure : std::uint8_t
{
    nobody,  ///< nobody listens: no engine, or one that is starting or leaving. Nothing was asked
    broken,  ///< the engine closed the connection: it may have done what was asked, or not
    late,    ///< the deadline passed: as `broken`
    refused, ///< the socket cannot be used by this user. Nothing was asked
};

class control_error : public std::runtime_error
{
  public:
    control_error(control_failure why, const std::string& message) : std::runtime_error(message), why_(why) {}

    [[nodiscard]] control_failure why() const noexcept { return why_; }

  private:
    control_failure why_;
};

/// Called once when an engine that has taken a request does not answer it for that long.
struct slow_answer
{
    std::chrono::milliseconds after{0};
    std::function<void()> call; ///< empty = nobody
};

/// Sends one request, a line without its end, and waits for the answer. Blocks. @throws control_error
[[nodiscard]] std::string ask_engine(const journal::state_layout& layout, const std::string& request,
                                     steady_time deadline, const slow_answer& slow = {});

} // namespace potoo::host
