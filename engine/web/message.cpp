#include "engine/web/message.hpp"

#include <algorithm>

namespace potoo::web {
namespace {

const std::string* first(const std::vector<field>& fields, std::string_view name) noexcept
{
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const field& f) { return f.first == name; });
    return found == fields.end() ? nullptr : &found->second;
}

} // namespace

const std::string* request::find(std::string_view field_name) const noexcept
{
    return first(fields, field_name);
}

const std::string* request::find_query(std::string_view name) const noexcept
{
    return first(query, name);
}

} // namespace potoo::web
