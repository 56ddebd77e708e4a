#pragma once
/// @file
/// What the programs of this folder print: one line of JSON a figure, with what it is compared with beside it.

#include <optional>
#include <string>

namespace potoo::bench {

/// A bound on a figure's value, or on its ratio to the peer's.
struct bound
{
    enum class of
    {
        value,
        ratio
    };

    of what = of::value;
    bool at_most = true; ///< otherwise at least
    double limit = 0;

    [[nodiscard]] bool holds(double value, std::optional<double> ratio) const;
};

inline bound at_most(double limit)
{
    return {.what = bound::of::value, .at_most = true, .limit = limit};
}

inline bound at_least(double limit)
{
    return {.what = bound::of::value, .at_most = false, .limit = limit};
}

inline bound ratio_at_most(double limit)
{
    return {.what = bound::of::ratio, .at_most = true, .limit = limit};
}

inline bound ratio_at_least(double limit)
{
    return {.what = bound::of::ratio, .at_most = false, .limit = limit};
}

/// What somebody else needs for the same, measured in the same run.
struct peer
{
    std::string name;
    std::optional<double> value; ///< nothing when it could not be measured: `trouble` says why
    std::string trouble;
};

struct figure
{
    std::string name;
    double value = 0;
    std::string unit;
    std::optional<bench::peer> peer{};
    std::optional<bound> goal{};
    std::optional<bound> beyond{}; ///< a goal behind the goal
    std::string note{};            ///< what a reader must know to understand the value
};

/// To stdout, at once:
/// `{"figure": …, "value": …, "unit": …, "peer": …, "peer_value": …, "ratio": …, "goal": "ratio <= 1", "met": …, …}`.
/// Members that say nothing are left out.
void print(const figure& f);

/// Progress and explanations, to stderr.
void say(const std::string& text);

} // namespace potoo::bench
