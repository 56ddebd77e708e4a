#include "engine/graph/document.hpp"

#include "engine/graph/describe_value.hpp"

namespace potoo::graph {

std::optional<node_view> node_view::find(std::string_view name) const
{
    if (is_map())
        for (std::size_t i = 0; i < size(); ++i)
            if (key(i).text() == name)
                return value(i);
    return std::nullopt;
}

mark node_view::place_of_key(std::string_view name) const
{
    if (is_map())
        for (std::size_t i = 0; i < size(); ++i)
            if (key(i).text() == name)
                return key(i).where();
    return where();
}

json::value node_view::to_json() const
{
    switch (kind()) {
    case node_kind::null:
        return nullptr;
    case node_kind::boolean:
        return node_->boolean;
    case node_kind::integer:
        return node_->integer;
    case node_kind::unsigned_integer:
        return node_->unsigned_integer;
    case node_kind::real:
        return node_->real;
    case node_kind::string:
        return json::value(json::string_view(text().data(), text().size()));
    case node_kind::list:
        break;
    case node_kind::map: {
        json::object out;
        out.reserve(size());
        for (std::size_t i = 0; i < size(); ++i)
            out.emplace(json::string_view(key(i).text().data(), key(i).text().size()), value(i).to_json());
        return out;
    }
    }
    json::array out;
    out.reserve(size());
    for (std::size_t i = 0; i < size(); ++i)
        out.push_back(element(i).to_json());
    return out;
}

std::string node_view::describe() const
{
    if (is_list())
        return "a list";
    if (is_map())
        return "a map";
    return graph::describe(to_json());
}

} // namespace potoo::graph
