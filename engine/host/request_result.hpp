#pragma once
/// @file
/// What became of something that was asked for from outside.

#include <potoo/ids.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::host {

struct request_result
{
    enum class kind : std::uint8_t
    {
        accepted, ///< it is in the journal: it will be done, whatever happens to the engine
        repeated, ///< it was asked for before: nothing has changed
        ended,    ///< too late: what it is about has ended
        unknown,  ///< there is no such thing
        invalid,  ///< the request makes no sense
        conflict, ///< it was asked for before, and otherwise: nothing has changed
    };

    kind what = kind::accepted;
    run_id run;           ///< which it is about; empty when not known
    std::string state;    ///< of what has ended: how
    std::string text;     ///< of one that was not accepted: why, for people
    bool carried = false; ///< an engine is at work on it

    friend bool operator==(const request_result&, const request_result&) = default;
};

/// `accepted`, … as in the enumeration.
[[nodiscard]] constexpr std::string_view to_string(request_result::kind k) noexcept
{
    constexpr std::string_view names[]{"accepted", "repeated", "ended", "unknown", "invalid", "conflict"};
    return names[static_cast<std::size_t>(k)];
}

/// What is to run once more.
struct retry_wish
{
    std::vector<std::string> tasks{}; ///< by name; empty = all that did not end well, of each the items that did not
    bool downstream = false;          ///< and everything behind them, however it ended
    bool failed_only = false;         ///< of the tasks named only the items that did not end well
};

/// What a person says of a callback.
struct callback_delivery
{
    std::string token;
    bool success = true;
    std::string data; ///< JSON text: the answer, or an object with `message` and `code`
};

/// A sign of life of what an attempt waits for.
struct callback_sign
{
    std::string token;
    std::optional<double> fraction{}; ///< of its progress, 0…1; nothing = as it was
    std::string message;
};

} // namespace potoo::host
