#pragma once
/// @file
/// What only some attempts have, made when they first need it, so that one that waits keeps nothing of it.

#include "engine/runtime/attempt_calls.hpp"
#include "engine/runtime/attempt_log.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/prepared_task.hpp"

#include <potoo/detail/frame_slab.hpp>
#include <potoo/json.hpp>
#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::runtime {

/// Its timeout, or how long its replay may take.
class attempt_timer final : private timer_node, public detail::slab_allocated
{
  public:
    explicit attempt_timer(live_attempt& of) noexcept : attempt_(of) {}

    ~attempt_timer() { disarm(); }

    attempt_timer(const attempt_timer&) = delete;
    attempt_timer& operator=(const attempt_timer&) = delete;

    void arm(steady_time due);
    void disarm() noexcept;

  private:
    void on_due() override;

    live_attempt& attempt_;
};

/// What is to be undone when it is stopped, and what may run still afterwards.
struct attempt_clean_up : detail::slab_allocated
{
    std::vector<task<>> handlers;
    std::uint32_t handlers_given = 0;
    std::string unconfirmed; ///< why what it began at a remote side may run still
    attempt_result result;   ///< while the handlers run
    task<> running;          ///< those of `handlers`, one after another
};

/// What is rendered for this attempt alone.
struct attempt_settings : detail::slab_allocated
{
    std::optional<json::object> input;
    std::optional<environment> variables;
};

struct attempt_parts : detail::slab_allocated
{
    std::unique_ptr<attempt_settings> settings;
    std::unique_ptr<attempt_timer> timer;
    std::unique_ptr<attempt_calls> calls;
    std::unique_ptr<attempt_log> log;
    std::unique_ptr<attempt_clean_up> clean_up;
};

} // namespace potoo::runtime
