#include "engine/server/config/descriptor_limit.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace potoo::server {
namespace {

/// Some programs walk through all descriptors that they might have: there are not to be a billion of them.
constexpr rlim_t usual = 65'536;

} // namespace

std::size_t raise_descriptor_limit(std::size_t connections) noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return usual;
    const rlim_t wanted = std::min(limit.rlim_max, std::max<rlim_t>(usual, connections + descriptor_reserve));
    const rlimit raised{wanted, limit.rlim_max};
    if (wanted > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return wanted;
    return limit.rlim_cur;
}

std::size_t connections_within(std::size_t descriptors, std::size_t wanted) noexcept
{
    // Where there are few, connections get half of them.
    const std::size_t reserve = std::min(descriptor_reserve, descriptors / 2);
    return std::clamp<std::size_t>(descriptors - reserve, 1, std::max<std::size_t>(wanted, 1));
}

} // namespace potoo::server
