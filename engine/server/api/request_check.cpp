#include "engine/server/api/request_check.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/server/access/short_text.hpp"
#include "engine/server/api/problem.hpp"
#include "engine/server/api/schemas.hpp"
#include "engine/server/tasks/task_request.hpp"

#include <potoo/time.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace potoo::server {
namespace {

constexpr std::size_t json_depth = 64;
constexpr std::size_t most_parameters = 32;
constexpr std::size_t shown_bytes = 100; ///< of what was sent, where it is repeated

bool is_whole(std::string_view text, const parameter& p)
{
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    return !text.empty() && ec == std::errc() && end == text.data() + text.size() && n >= p.least && n <= p.most;
}

/// What a parameter must be; empty when it is that.
std::string wanted(const parameter& p, const std::string& given)
{
    switch (p.kind) {
    case value_kind::text:
        return given.empty() ? "must not be empty" : "";
    case value_kind::whole:
        return is_whole(given, p) ? "" : fmt::format("must be a whole number from {} to {}", p.least, p.most);
    case value_kind::flag:
        return given == "true" || given == "false" ? "" : "must be true or false";
    case value_kind::instant:
        return parse_time(given) ? "" : "must be a time such as 2026-11-21T08:00:00Z";
    case value_kind::word:
        break;
    }
    const bool known = std::find(p.words.begin(), p.words.end(), given) != p.words.end();
    return known ? "" : fmt::format("must be one of {}", fmt::join(p.words, ", "));
}

flaw unknown_parameter(const route& r, const std::string& name)
{
    std::vector<std::string_view> names;
    for (const parameter& p : r.in_query)
        names.push_back(p.name);
    const std::string nearest = graph::nearest_spelling(name, names);
    return {'?' + shortened(name, shown_bytes),
            names.empty() ? std::string("no parameter is taken here")
                          : fmt::format("there is no such parameter here; there are {}", fmt::join(names, ", ")),
            nearest};
}

void check_parameter(const route& r, const std::string& name, const std::string& value, std::vector<flaw>& flaws)
{
    const auto declared =
        std::find_if(r.in_query.begin(), r.in_query.end(), [&](const parameter& p) { return p.name == name; });
    if (declared == r.in_query.end()) {
        flaws.push_back(unknown_parameter(r, name));
        return;
    }
    const std::string text = wanted(*declared, value);
    if (!text.empty())
        flaws.push_back({'?' + name, fmt::format("{}, not '{}'", text, shortened(value, shown_bytes)),
                         graph::nearest_spelling(value, declared->words)});
}

/// As RFC 6901 writes it.
std::string pointer_of(const std::vector<graph::path_step>& path)
{
    std::string out;
    for (const auto& step : path) {
        if (const auto* index = std::get_if<std::size_t>(&step))
            out += fmt::format("/{}", *index);
        else
            out += '/' + escape_pointer(std::get<std::string>(step));
    }
    return out;
}

/// @param flaws not empty
[[noreturn]] void refuse(unsigned status, std::string what, std::string_view of_what, std::vector<flaw> flaws)
{
    constexpr std::size_t most_detail = 500;
    const flaw& first = flaws.front();
    std::string detail = fmt::format(
        "{} is not what this takes: {}: {}{}", of_what,
        first.place.empty() ? "it" : shortened(first.place, shown_bytes), shortened(first.text, most_detail),
        first.suggestion.empty() ? "." : fmt::format("; did you mean {}?", first.suggestion));
    throw problem(status, std::move(what), std::move(detail), std::move(flaws));
}

bool is_json(const std::string& content_type)
{
    const std::string media = content_type.substr(0, content_type.find_first_of("; "));
    return media == "application/json" || media.ends_with("+json");
}

json::value parsed(const std::string& body)
{
    json::parse_options options;
    options.max_depth = json_depth;
    boost::system::error_code ec;
    json::value v = json::parse(body, ec, {}, options);
    if (ec == json::error::too_deep)
        throw problem(400, "json-too-deep", fmt::format("The body is nested deeper than {} levels.", json_depth));
    if (ec)
        throw problem(400, "json-malformed", fmt::format("The body is no JSON: {}.", ec.message()));
    return v;
}

} // namespace

void check_query(const route& r, const web::request& request)
{
    if (request.query.size() > most_parameters)
        throw problem(
            400, "query-invalid",
            fmt::format("The query has {} parameters; at most {} are taken.", request.query.size(), most_parameters));
    std::vector<flaw> flaws;
    std::vector<std::string_view> seen;
    for (const auto& [name, value] : request.query) {
        if (std::find(seen.begin(), seen.end(), name) != seen.end())
            flaws.push_back({'?' + shortened(name, shown_bytes), "is given more than once", {}});
        else if (!(r.token_in_query && name == "access_token"))
            check_parameter(r, name, value, flaws);
        seen.push_back(name);
    }
    for (const parameter& p : r.in_query)
        if (p.required && std::find(seen.begin(), seen.end(), p.name) == seen.end())
            flaws.push_back({'?' + std::string(p.name), "is missing", {}});
    if (!flaws.empty())
        refuse(400, "query-invalid", "The query", std::move(flaws));
}

json::value checked_body(const route& r, const web::request& request)
{
    if (request.body.empty()) {
        if (r.body_required)
            throw problem(400, "body-missing",
                          fmt::format("This needs a body: a JSON object, `{}` in /openapi.json.", r.body));
        return r.body.empty() ? json::value() : json::value(json::object());
    }
    const std::string* type = request.find("content-type");
    if (!type || !is_json(*type))
        throw problem(415, "media-type", "The body must be JSON, and say so: send `Content-Type: application/json`.");
    json::value body = parsed(request.body);
    if (r.body.empty()) {
        if (const auto* o = body.if_object(); o && o->empty())
            return json::value();
        throw problem(400, "body-unexpected", "This takes no body.");
    }
    std::vector<flaw> flaws;
    for (const graph::schema_problem& p :
         schema_named(r.body).check(body, graph::expressions::absent, {}, most_flaws + 1))
        flaws.push_back({pointer_of(p.path), p.message, p.suggestion});
    if (!flaws.empty())
        refuse(422, "body-invalid", "The body", std::move(flaws));
    return body;
}

} // namespace potoo::server
