#include "engine/server/tasks/task_entry.hpp"

#include <potoo/json_members.hpp>

#include <algorithm>
#include <stdexcept>

namespace potoo::server {

namespace {

json::array to_json(const std::vector<std::string>& names)
{
    json::array out;
    for (const std::string& n : names)
        out.push_back(json::string(n));
    return out;
}

std::vector<std::string> texts_in(const json::object& o, std::string_view name)
{
    std::vector<std::string> out;
    if (const json::value* v = o.if_contains(name)) {
        for (const json::value& n : v->as_array())
            out.emplace_back(n.as_string());
    }
    return out;
}

} // namespace

bool task_entry::is_subscribed(const std::string& who) const
{
    return std::find(shown.subscribers.begin(), shown.subscribers.end(), who) != shown.subscribers.end();
}

bool task_entry::is_reader(const std::string& who) const
{
    return std::find(readers.begin(), readers.end(), who) != readers.end();
}

void task_entry::subscribe(const std::string& who)
{
    if (!is_subscribed(who))
        shown.subscribers.push_back(who);
    if (!is_reader(who))
        readers.push_back(who);
}

void task_entry::unsubscribe(const std::string& who)
{
    std::erase(shown.subscribers, who);
}

std::string slot_of(const task_view& t)
{
    if (t.key.empty())
        return {};
    json::array parts{json::string(to_string(t.scope)), json::string(t.key)};
    if (t.scope == task_scope::private_)
        parts.push_back(json::string(t.owner));
    return json::serialize(parts);
}

json::object kept_form(const task_entry& e)
{
    json::object o = to_json(e.shown);
    o["owner"] = e.shown.owner;
    o["subscribers"] = to_json(e.shown.subscribers);
    o["readers"] = to_json(e.readers);
    if (e.cancelling)
        o["cancelling"] = true;
    return o;
}

void read_kept_form(const json::value& kept, task_entry& into)
{
    const json::object& o = kept.as_object();
    task_view& v = into.shown;
    v.id = text_in(o, "id");
    v.operator_name = text_in(o, "operator");
    v.name = text_in(o, "name");
    v.key = text_in(o, "key");
    const auto scope = parse_task_scope(text_in(o, "scope"));
    const auto created = time_in(o, "created");
    if (v.id.empty() || !scope || !created)
        throw std::runtime_error("it is none");
    v.scope = *scope;
    v.owner = text_in(o, "owner");
    v.subscribers = texts_in(o, "subscribers");
    v.created = *created;
    v.ended = time_in(o, "ended");
    v.state = text_in(o, "state");
    const json::object& progress = o.at("progress").as_object();
    v.fraction = progress.at("fraction").to_number<double>();
    v.message = text_in(progress, "message");
    v.properties = o.at("properties").as_object();
    into.readers = texts_in(o, "readers");
    into.cancelling = o.contains("cancelling");
}

} // namespace potoo::server
