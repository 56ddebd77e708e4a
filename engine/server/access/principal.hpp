#pragma once
/// @file
/// Who asks, and what that one may do.

#include "engine/runtime/run_origin.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::server {

enum class role : std::uint8_t
{
    viewer, ///< sees everything but tokens and the audit trail, changes nothing
    user,   ///< begins runs, and sees and changes those alone
    admin,  ///< may do everything
};

inline constexpr std::array<std::string_view, 3> role_names{"viewer", "user", "admin"};

[[nodiscard]] constexpr std::string_view to_string(role r) noexcept
{
    return role_names[static_cast<std::size_t>(r)];
}

/// @return nothing when `text` names no role
[[nodiscard]] std::optional<role> parse_role(std::string_view text) noexcept;

struct principal
{
    std::string name; ///< of the token, which is how runs know their owner; empty = the local user
    role may = role::viewer;
    std::string token; ///< its id; empty = no token was needed

    /// How people are told who it was.
    [[nodiscard]] std::string shown() const { return token.empty() ? "local user" : name; }

    [[nodiscard]] bool is_admin() const noexcept { return may == role::admin; }

    /// Whether what that name began may be seen.
    [[nodiscard]] bool sees_work_of(std::string_view who) const noexcept { return may != role::user || who == name; }

    [[nodiscard]] bool sees(const runtime::run_origin& o) const noexcept { return sees_work_of(o.who); }
};

} // namespace potoo::server
