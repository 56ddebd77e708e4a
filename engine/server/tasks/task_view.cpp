#include "engine/server/tasks/task_view.hpp"

#include "engine/server/runs/fraction_json.hpp"

#include <string_view>
#include <utility>

namespace potoo::server {

namespace {

/// As `principal::shown`.
std::string shown_name(const std::string& who)
{
    return who.empty() ? "local user" : who;
}

void add_text(json::object& to, std::string_view name, const std::string& text)
{
    if (!text.empty())
        to[name] = json::string(text);
}

} // namespace

json::object to_json(const task_view& v)
{
    json::object o{{"id", v.id}, {"operator", v.operator_name}};
    add_text(o, "name", v.name);
    add_text(o, "key", v.key);
    o["scope"] = json::string(to_string(v.scope));
    o["owner"] = shown_name(v.owner);
    json::array subscribers;
    for (const std::string& who : v.subscribers)
        subscribers.push_back(json::string(shown_name(who)));
    o["subscribers"] = std::move(subscribers);
    o["created"] = format_time(v.created);
    if (v.ended)
        o["ended"] = format_time(*v.ended);
    o["state"] = v.state;
    json::object progress{{"fraction", fraction_json(v.fraction)}};
    add_text(progress, "message", v.message);
    o["progress"] = std::move(progress);
    o["properties"] = v.properties;
    return o;
}

} // namespace potoo::server
