#include "engine/graph/schema_place.hpp"

namespace potoo::graph {

namespace {

/// Position of a member, or the number of members when there is none of that name.
std::size_t position_of(node_view map, std::string_view name)
{
    std::size_t i = 0;
    while (i < map.size() && map.key(i).text() != name)
        ++i;
    return i;
}

} // namespace

mark place_of(mark key_of_root, node_view root, const schema_problem& p)
{
    auto at = root;
    auto key = key_of_root;
    for (const auto& step : p.path) {
        if (const auto* index = std::get_if<std::size_t>(&step)) {
            if (!at.is_list() || *index >= at.size())
                return key;
            at = at.element(*index);
            key = at.where();
            continue;
        }
        const auto i = at.is_map() ? position_of(at, std::get<std::string>(step)) : at.size();
        if (!at.is_map() || i == at.size())
            return key;
        key = at.key(i).where();
        at = at.value(i);
    }
    return p.at_key || at.is_map() || at.is_list() ? key : at.where();
}

} // namespace potoo::graph
