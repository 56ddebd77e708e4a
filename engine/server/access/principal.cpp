#include "engine/server/access/principal.hpp"

#include <algorithm>

namespace potoo::server {

std::optional<role> parse_role(std::string_view text) noexcept
{
    const auto found = std::find(role_names.begin(), role_names.end(), text);
    if (found == role_names.end())
        return std::nullopt;
    return static_cast<role>(found - role_names.begin());
}

} // namespace potoo::server
