#include "engine/runtime/run_origin.hpp"

#include <potoo/json_members.hpp>
#include <potoo/utf8.hpp>

namespace potoo::runtime {

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
    o.by = text_in(fields, "by");
    o.who = text_in(fields, "who");
    o.name = text_in(fields, "name");
    o.cause = text_in(fields, "cause");
    o.key = text_in(fields, "key");
    o.scheduled = time_in(fields, "scheduled");
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
