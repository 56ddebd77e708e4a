#include <potoo/expression.hpp>

namespace potoo {

bindings::entry& bindings::entry_for(std::string_view name)
{
    for (auto& e : entries_) {
        if (e.name == name) {
            return e;
        }
    }
    if (entries_.empty()) {
        constexpr std::size_t usual_count = 6;
        entries_.reserve(usual_count);
    }
    return entries_.emplace_back(entry{name, nullptr, 0});
}

bindings& bindings::set(std::string_view name, const json::value& value)
{
    entry_for(name).value = &value;
    return *this;
}

bindings& bindings::set_members(std::string_view name, member_lookup lookup)
{
    lookups_.push_back(std::move(lookup));
    auto& e = entry_for(name);
    e.value = nullptr;
    e.lookup = lookups_.size() - 1;
    return *this;
}

const bindings::entry* bindings::find_entry(std::string_view name) const noexcept
{
    for (const auto* layer = this; layer != nullptr; layer = layer->parent_) {
        for (const auto& e : layer->entries_) {
            if (e.name == name) {
                return &e;
            }
        }
    }
    return nullptr;
}

const json::value* bindings::find(std::string_view name) const noexcept
{
    const auto* e = find_entry(name);
    return e != nullptr ? e->value : nullptr;
}

const json::value* bindings::find_member(std::string_view name, std::string_view member) const
{
    for (const auto* layer = this; layer != nullptr; layer = layer->parent_) {
        for (const auto& e : layer->entries_) {
            if (e.name != name) {
                continue;
            }
            if (e.value == nullptr) {
                return layer->lookups_[e.lookup](member);
            }
            const auto* object = e.value->if_object();
            return object != nullptr ? object->if_contains(member) : nullptr;
        }
    }
    return nullptr;
}

} // namespace potoo
