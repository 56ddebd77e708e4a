#pragma once
// Runs the engine through one scenario: lets time pass, one handler at a time, and kills and restarts it on the way.

#include "scenario.hpp"
#include "world.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace potoo::sim {

/// Faults that no engine survives: the checker must find them.
enum class planted_fault : std::uint8_t
{
    none,
    late_beyond_promise, ///< requests take effect later than the backend promises
    submissions_delivered_twice,
    disk_lies, ///< says durable, and forgets
};

struct options
{
    bool print_trace = false;
    bool never_crash = false;
    planted_fault planted = planted_fault::none;
};

/// How tasks and runs ended, in words that two simulations can be compared by.
using ending = std::vector<std::string>;

struct report
{
    std::optional<violation> broken;
    duration at{0};                 ///< virtual time of the violation
    std::deque<std::string> events; ///< the last before it
    std::uint64_t hash = 0;
    std::uint64_t actions = 0; ///< handlers, commits and events of the world
    std::uint64_t crashes = 0;
    std::uint64_t stops = 0;
    std::uint64_t faults = 0;
    std::uint64_t jobs = 0;
    std::uint64_t commits = 0;
    std::uint64_t unconfirmed = 0;
    duration virtual_time{0};
    ending ended;
};

[[nodiscard]] report simulate(const scenario& s, const options& o = {});

/// As `simulate`; a scenario that must end as if nothing had happened is run a second time, without crashes.
[[nodiscard]] report simulate_and_compare(const scenario& s, const options& o = {});

} // namespace potoo::sim
