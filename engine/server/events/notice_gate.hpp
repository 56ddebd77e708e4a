#pragma once
/// @file
/// Lets what attempts say about themselves through at a bearable pace: the last word wins.

#include "engine/server/events/event.hpp"
#include "engine/server/runs/run_carrier.hpp"

#include <potoo/time.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace potoo::server {

class notice_gate
{
  public:
    /// @param pause between two events of one attempt's progress, of one of its properties, or of one warning
    explicit notice_gate(std::chrono::milliseconds pause) : pause_(pause) {}

    /// @return the event, when it may be told at once; else it is kept until `due` or until a later one replaces it
    [[nodiscard]] std::optional<event> pass(const run_notice& notice, steady_time now, wall_time at);

    /// What was kept and may be told now, oldest first.
    [[nodiscard]] std::vector<event> due(steady_time now);

    void clear() { places_.clear(); }

    /// Attempts, properties and warnings of which something was told lately.
    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

  private:
    struct place
    {
        steady_time free;
        std::optional<event> kept;
        std::uint64_t order = 0;
    };

    std::chrono::milliseconds pause_;
    std::uint64_t order_ = 0;
    std::unordered_map<std::string, place> places_;
};

} // namespace potoo::server
