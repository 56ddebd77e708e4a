#pragma once
/// @file
/// Which events a subscriber wants.

#include "engine/server/events/event.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Conditions that are given must all hold.
struct event_filter
{
    std::string run{};                               ///< its id
    std::string dag{};                               ///< its name
    std::string task{};                              ///< its name
    std::vector<journal::recorded_state> states{};   ///< one of these; events without a state are left out then
    std::vector<event_type> types{};                 ///< one of these
    std::function<bool(const event_run&)> allowed{}; ///< whose runs the subscriber may see; empty = all

    [[nodiscard]] bool admits(const event& e) const;

    /// It admits all there is.
    [[nodiscard]] bool admits_all() const noexcept;

    /// Equal for filters that admit the same events; empty when that cannot be told, or when it admits all.
    [[nodiscard]] std::string key() const;
};

/// The type with this name. @return nothing when there is none
[[nodiscard]] std::optional<event_type> parse_event_type(std::string_view name) noexcept;

/// The state with this name, as events have it. @return nothing when there is none
[[nodiscard]] std::optional<journal::recorded_state> parse_event_state(std::string_view name) noexcept;

/// What `event_batch::cursor` was as text. @return nothing when it is none
[[nodiscard]] std::optional<journal::record_seq> parse_cursor(std::string_view text) noexcept;

} // namespace potoo::server
