#include "commands.hpp"

#include <fmt/format.h>

#include <array>

namespace potoo::sim {
namespace {

struct planted
{
    planted_fault fault;
    const char* name;
    const char* found_as; ///< the invariant that it breaks
};

constexpr std::array all_planted{
    planted{planted_fault::late_beyond_promise, "a service that is slower than it promises", "one_job"},
    planted{planted_fault::submissions_delivered_twice, "a service that acts twice on one submission", "one_job"},
    planted{planted_fault::disk_lies, "a disk that forgets what it called durable", "intent_first"},
};

constexpr std::uint64_t most_seeds = 400;

/// @return the first seed that shows it, 0 if none does
std::uint64_t seed_that_finds(const planted& p)
{
    options o;
    o.planted = p.fault;
    for (std::uint64_t seed = 1; seed <= most_seeds; ++seed) {
        const report r = simulate(make_scenario(seed), o);
        if (r.broken && r.broken->invariant == p.found_as)
            return seed;
    }
    return 0;
}

} // namespace

int run_planted_faults()
{
    int missed = 0;
    for (const planted& p : all_planted) {
        const std::uint64_t seed = seed_that_finds(p);
        missed += seed == 0 ? 1 : 0;
        fmt::print("{}: {}\n", p.name,
                   seed == 0 ? std::string("NOT FOUND") : fmt::format("found as {} by seed {}", p.found_as, seed));
    }
    return missed == 0 ? 0 : 1;
}

} // namespace potoo::sim
