#pragma once
// A machine whose answers are read as text: `start a.0#1`, `retry a.0#2 in 5ms`, `disarm a.0`, `cancel a.0#1 user`,
// `evaluate a`, `a success`, `run failed`.

#include "engine/schedule/run_machine.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace potoo::schedule::testing {

class text_machine
{
  public:
    explicit text_machine(const graph::dag& dag) : machine(dag) {}

    std::string start() { return text(machine.start()); }

    std::string apply(const event& e) { return text(machine.apply(e)); }

    std::string evaluated(std::uint32_t task, std::uint32_t items);
    std::string end(std::uint32_t task, std::uint32_t item, attempt_outcome outcome, bool retry_allowed = false,
                    double jitter = 0);

    std::string succeed(std::uint32_t task, std::uint32_t item = 0)
    {
        return end(task, item, attempt_outcome::success);
    }

    std::string fail(std::uint32_t task, std::uint32_t item = 0) { return end(task, item, attempt_outcome::failed); }

    std::string cancel(cancel_reason reason = cancel_reason::user) { return apply(cancel_requested{reason}); }

    /// `queued`, `success`, …
    [[nodiscard]] std::string state(std::uint32_t task, std::optional<std::uint32_t> item = {}) const;

    /// `2 queued, 1 running`
    [[nodiscard]] std::string counts(std::uint32_t task) const { return text(machine.counts(task_index(task))); }

    [[nodiscard]] static std::string text(const state_counts& counts);
    [[nodiscard]] std::string text(std::span<const action> actions) const;

    run_machine machine;
};

} // namespace potoo::schedule::testing
