#include <potoo/expression.hpp>

namespace potoo {

bindings::entry& bindings::entry_for(std::string_view name)
{
    for (auto& e : entries_) {
        if (e.name == name)
            return e;
    }
    if (entries_.empty()) {
        constexpr std::size_t usual_count = 6;
        entries_.reserve(usual_count);
    }
    entries_.push_back({name});
    return entries_.back();
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
        for (const auto& e : layer->entries_) {
            if (e.name == name)
                return {layer, &e};
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
