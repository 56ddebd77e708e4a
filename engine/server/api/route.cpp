#include "engine/server/api/route.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/server/api/route_groups.hpp"

#include <optional>

namespace potoo::server {
namespace {

std::vector<std::string_view> segments_of(std::string_view path)
{
    std::vector<std::string_view> out;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto end = path.find('/');
        out.push_back(path.substr(0, end));
        path.remove_prefix(end == std::string_view::npos ? path.size() : end);
    }
    return out;
}

struct prepared_route
{
    const route* declared;
    std::vector<std::string_view> segments;
};

bool is_variable(std::string_view segment)
{
    return segment.starts_with('{');
}

std::vector<route> all_routes()
{
    std::vector<route> all;
    for (auto* group : route_groups)
        for (route& r : group())
            all.push_back(std::move(r));
    return all;
}

const std::vector<prepared_route>& prepared()
{
    static const std::vector<prepared_route> all = [] {
        std::vector<prepared_route> out;
        for (const route& r : routes())
            out.push_back({&r, segments_of(r.path)});
        return out;
    }();
    return all;
}

bool fits(const prepared_route& r, const std::vector<std::string>& segments)
{
    if (r.segments.size() != segments.size())
        return false;
    for (std::size_t i = 0; i < segments.size(); ++i)
        if (!is_variable(r.segments[i]) && r.segments[i] != segments[i])
            return false;
    return true;
}

void fill(route_match& m, const prepared_route& r, const std::vector<std::string>& segments)
{
    m.found = r.declared;
    for (std::size_t i = 0; i < segments.size(); ++i)
        if (is_variable(r.segments[i]))
            m.values.emplace(r.segments[i].substr(1, r.segments[i].size() - 2), segments[i]);
}

} // namespace

const std::vector<route>& routes()
{
    static const std::vector<route> all = all_routes();
    return all;
}

route_match match(std::string_view method, const std::vector<std::string>& segments)
{
    if (method == "HEAD")
        method = "GET";
    route_match m;
    for (const prepared_route& r : prepared()) {
        if (!fits(r, segments))
            continue;
        m.allowed.push_back(r.declared->method);
        if (r.declared->method == method && !m.found)
            fill(m, r, segments);
    }
    return m;
}

std::string nearest_path(const std::vector<std::string>& segments)
{
    std::string asked;
    for (const std::string& s : segments)
        asked += "/" + s;
    std::vector<std::string_view> paths;
    for (const route& r : routes())
        paths.push_back(r.path);
    return graph::nearest_spelling(asked, paths);
}

} // namespace potoo::server
