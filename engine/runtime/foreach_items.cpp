#include "engine/runtime/foreach_items.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

namespace potoo::runtime {
namespace {

json::value items_of(json::value v, const std::string& source)
{
    if (v.is_array())
        return v;
    if (!v.is_object())
        throw expression_error(fmt::format("`foreach` takes an array or an object, and `{}` is {}", source,
                                           v.is_null() ? "null" : fmt::format("a {}", to_string(v.kind()).data())),
                               0);
    json::array items;
    for (auto& member : v.get_object())
        items.push_back(json::object{{"key", member.key()}, {"value", std::move(member.value())}});
    return items;
}

std::string key_text(const json::value& key)
{
    if (key.is_string())
        return std::string(key.as_string());
    if (key.is_int64() || key.is_uint64())
        return json::serialize(key);
    throw expression_error(fmt::format("`key` must be a string or a whole number, not {}", json::serialize(key)), 0);
}

} // namespace

foreach_items expand_foreach(const graph::task_spec& spec, const bindings& run)
{
    json::value all = items_of(spec.foreach->evaluate(run), spec.foreach->source());
    foreach_items out{std::move(all.as_array()), {}};
    if (!spec.key)
        return out;
    std::set<std::string_view> seen;
    // What is seen points into them.
    out.keys.reserve(out.values.size());
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const json::value index = i;
        bindings names(&run);
        names.set("item", out.values[i]).set("item_index", index);
        out.keys.push_back(key_text(spec.key->evaluate(names)));
        if (!seen.insert(out.keys.back()).second)
            throw expression_error(fmt::format("`key` is '{}' for more than one item", out.keys.back()), 0);
    }
    return out;
}

} // namespace potoo::runtime
