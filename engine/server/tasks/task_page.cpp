#include "engine/server/tasks/task_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace potoo::server {

bool matches(const task_filter& f, const task_view& v)
{
    const auto is = [](const std::string& wanted, const std::string& found) {
        return wanted.empty() || wanted == found;
    };
    return (!f.active || *f.active == !v.ended) && is(f.state, v.state) && is(f.key, v.key) && is(f.name, v.name) &&
           is(f.owner, v.owner.empty() ? "local user" : v.owner);
}

task_place place_of(const task_view& v)
{
    return {v.created, v.id};
}

std::string cursor_of(const task_place& p)
{
    return fmt::format("{}.{}", p.first.time_since_epoch().count(), p.second);
}

task_place parse_cursor(const std::string& cursor)
{
    std::int64_t ms = 0;
    const auto dot = cursor.find('.');
    const char* end = cursor.data() + std::min(dot, cursor.size());
    const auto [read, problem] = std::from_chars(cursor.data(), end, ms);
    if (dot == std::string::npos || problem != std::errc() || read != end)
        throw task_refused(task_refused::kind::invalid, "the cursor is none: give `next` of the page before, as it was",
                           {{"/cursor", "is no cursor of this list", {}}});
    return {wall_time(duration(ms)), cursor.substr(dot + 1)};
}

} // namespace potoo::server
