#include <potoo/expression.hpp>

#include <algorithm>

namespace potoo {

namespace {

constexpr auto before = [](const auto& entry, std::string_view name) { return entry.name < name; };

} // namespace

expression_names::root_entry& expression_names::entry_for(std::string root)
{
    auto place = std::lower_bound(roots_.begin(), roots_.end(), std::string_view(root), before);
    if (place == roots_.end() || place->name != root) {
        place = roots_.insert(place, root_entry{});
    }
    *place = root_entry{};
    place->name = std::move(root);
    return *place;
}

expression_names& expression_names::allow(std::string root, value_type type)
{
    entry_for(std::move(root)).type = type;
    return *this;
}

expression_names& expression_names::allow_closed(std::string root, std::string hint_when_missing)
{
    auto& entry = entry_for(std::move(root));
    entry.closed = true;
    entry.hint = std::move(hint_when_missing);
    return *this;
}

expression_names& expression_names::allow_checked(std::string root, member_check check)
{
    auto& entry = entry_for(std::move(root));
    entry.closed = true;
    entry.check = std::move(check);
    return *this;
}

expression_names& expression_names::allow_member(std::string_view root, std::string member, value_type type)
{
    auto entry = std::lower_bound(roots_.begin(), roots_.end(), root, before);
    if (entry == roots_.end() || entry->name != root || !entry->closed || entry->check) {
        throw std::logic_error("expression_names: `" + std::string(root) + "` is not a closed root");
    }
    auto place = std::lower_bound(entry->members.begin(), entry->members.end(), std::string_view(member), before);
    if (place != entry->members.end() && place->name == member) {
        place->type = type;
    } else {
        entry->members.insert(place, member_entry{std::move(member), type});
    }
    return *this;
}

const expression_names::root_entry* expression_names::find(std::string_view root) const
{
    const auto place = std::lower_bound(roots_.begin(), roots_.end(), root, before);
    return place != roots_.end() && place->name == root ? &*place : nullptr;
}

} // namespace potoo
