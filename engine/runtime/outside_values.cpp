#include "engine/runtime/outside_values.hpp"

#include "engine/runtime/secret_resolver.hpp"

#include <potoo/expression.hpp>

#include <fmt/format.h>

#include <utility>

namespace potoo::runtime {
namespace {

std::map<std::string, json::object, std::less<>> evaluated(const graph::outside_spec& spec, const json::object& secrets)
{
    bindings names;
    names.set_members("secrets", [&secrets](std::string_view name) { return secrets.if_contains(name); });
    std::map<std::string, json::object, std::less<>> all;
    for (const graph::connection_spec& c : spec.connections) {
        try {
            all.emplace(c.name, settings_of(c, names));
        } catch (const expression_error& e) {
            throw secret_error(fmt::format("connection `{}`: {}", c.name, e.what()));
        }
    }
    return all;
}

} // namespace

json::object settings_of(const graph::connection_spec& c, const bindings& names)
{
    json::value settings = c.settings.render(names);
    settings.as_object()["type"] = c.type;
    return std::move(settings.as_object());
}

void outside_values::conceal(secret_mask& mask) const
{
    for (const auto& [name, text] : secrets)
        mask.add(std::string(text.as_string()));
}

task<> outside_source::fetch()
{
    auto fetched = std::make_shared<outside_values>();
    secret_mask mask;
    try {
        fetched->secrets = co_await resolve_secrets(spec_.secrets, processes_, mask);
        fetched->connections = evaluated(spec_, fetched->secrets);
    } catch (const secret_error& e) {
        throw secret_error(mask.clean(fmt::format("the configuration's {}", e.what())));
    }
    values_ = std::move(fetched);
}

task<std::shared_ptr<const outside_values>> outside_source::values()
{
    co_await turn_.acquire();
    const slot_guard one_at_a_time(turn_);
    if (!values_)
        co_await fetch();
    co_return values_;
}

} // namespace potoo::runtime
