#include <potoo/expression.hpp>

namespace potoo {

bindings::entry& bindings::entry_for(std::string_view name)
{
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].name == name)
            return entries_[i];
    }
    return entries_.push_back({name});
}

bindings& bindings::set(std::string_view name, const json::value& value)
{
    entry_for(name).value = &value;
    return *this;
}

bindings& bindings::set_members(std::string_view name, member_lookup lookup)
{
    entry& e = entry_for(name);
    e = {name, nullptr, static_cast<std::uint32_t>(lookups_.size()), 0};
    lookups_.push_back(std::move(lookup));
    return *this;
}

bindings& bindings::set_computed(std::string_view name, value_source work_out)
{
    sources_.push_back(std::move(work_out));
    entry_for(name) = {name, nullptr, 0, static_cast<std::uint32_t>(sources_.size())};
    return *this;
}

const json::value* bindings::value_of(const entry& e) const
{
    return e.source != 0 ? &sources_[e.source - 1]() : e.value;
}

bindings::found bindings::find_entry(std::string_view name) const noexcept
{
    for (const auto* layer = this; layer != nullptr; layer = layer->parent_) {
        for (std::size_t i = 0; i < layer->entries_.size(); ++i) {
            if (layer->entries_[i].name == name)
                return {layer, &layer->entries_[i]};
        }
    }
    return {};
}

const json::value* bindings::find(std::string_view name) const
{
    const auto [layer, e] = find_entry(name);
    return e ? layer->value_of(*e) : nullptr;
}

const json::value* bindings::find_member(std::string_view name, std::string_view member) const
{
    const auto [layer, e] = find_entry(name);
    if (!e)
        return nullptr;
    const json::value* value = layer->value_of(*e);
    if (!value)
        return layer->lookups_[e->lookup](member);
    const auto* object = value->if_object();
    return object ? object->if_contains(member) : nullptr;
}

} // namespace potoo
