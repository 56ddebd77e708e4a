#include "engine/runtime/run_origin.hpp"

#include "engine/runtime/utf8.hpp"

#include <potoo/json.hpp>

namespace potoo::runtime {
namespace {

std::string text_of(const json::object& o, const char* name)
{
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

} // namespace

std::string to_json(const run_origin& o)
{
    json::object out;
    const auto put = [&](const char* name, const std::string& text) {
        if (!text.empty())
            out[name] = json::string(valid_utf8(text));
    };
    put("by", o.by);
    put("who", o.who);
    put("name", o.name);
    put("cause", o.cause);
    put("key", o.key);
    if (o.scheduled)
        out["scheduled"] = format_time(*o.scheduled);
    return json::serialize(out);
}

std::optional<run_origin> read_run_origin(std::string_view text)
{
    run_origin o;
    if (text.empty())
        return o;
    boost::system::error_code ec;
    const json::value v = json::parse(json::string_view(text.data(), text.size()), ec);
    if (ec || !v.is_object())
        return std::nullopt;
    const json::object& fields = v.get_object();
    o.by = text_of(fields, "by");
    o.who = text_of(fields, "who");
    o.name = text_of(fields, "name");
    o.cause = text_of(fields, "cause");
    o.key = text_of(fields, "key");
    if (const std::string at = text_of(fields, "scheduled"); !at.empty())
        o.scheduled = parse_time(at);
    return o;
}

run_origin parse_run_origin(std::string_view text)
{
    return read_run_origin(text).value_or(run_origin());
}

json::object run_names(const run_id& id, const graph::dag& d, wall_time created, const run_origin& o)
{
    return {{"id", id.value()},
            {"dag", d.name},
            {"started_at", format_time(created)},
            {"origin", o.by.empty() ? json::value() : json::value(json::string(o.by))},
            {"scheduled", o.scheduled ? json::value(format_time(*o.scheduled)) : json::value()}};
}

} // namespace potoo::runtime
