#include "engine/server/api/openapi.hpp"

#include "engine/server/api/problem.hpp"
#include "engine/server/api/route.hpp"
#include "engine/server/api/schemas.hpp"
#include "engine/text/ascii.hpp"

#include <set>
#include <string>

namespace potoo::server {
namespace {

json::string text(std::string_view t)
{
    return json::string(t.data(), t.size());
}

json::object reference(std::string_view schema)
{
    return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::object schema_of(const parameter& p)
{
    switch (p.kind) {
    case value_kind::text:
        return {{"type", "string"}};
    case value_kind::whole:
        return {{"type", "integer"}, {"minimum", p.least}, {"maximum", p.most}};
    case value_kind::flag:
        return {{"type", "boolean"}};
    case value_kind::instant:
        return {{"type", "string"}, {"format", "date-time"}};
    case value_kind::word:
        break;
    }
    json::array words;
    for (const std::string_view w : p.words)
        words.emplace_back(text(w));
    return {{"enum", std::move(words)}};
}

void add_parameters(json::array& out, const std::vector<parameter>& parameters, const char* place)
{
    const bool in_path = std::string_view(place) == "path";
    for (const parameter& p : parameters)
        out.push_back(json::object{{"name", text(p.name)},
                                   {"in", place},
                                   {"required", in_path || p.required},
                                   {"description", text(p.about)},
                                   {"schema", schema_of(p)}});
}

void add_answer(json::object& responses, const answer& a)
{
    json::value& response = responses[std::to_string(a.status)];
    if (response.is_null())
        response = json::object{{"description", text(a.about)}};
    if (a.schema.empty() && a.media == "application/json")
        return;
    json::value& content = response.as_object()["content"];
    if (content.is_null())
        content = json::object();
    const json::object schema = a.schema.empty() ? json::object{{"type", "string"}} : reference(a.schema);
    content.as_object()[json::string_view(a.media.data(), a.media.size())] = json::object{{"schema", schema}};
}

/// Statuses that a route may answer with a problem document.
std::set<unsigned> problems_of(const route& r)
{
    std::set<unsigned> statuses(r.problems.begin(), r.problems.end());
    statuses.insert({400, 500});
    if (r.needs != need::probe)
        statuses.insert({403, 421});
    if (r.needs != need::probe && r.needs != need::open)
        statuses.insert(401);
    if (!r.in_path.empty())
        statuses.insert(404);
    if (!r.body.empty())
        statuses.insert({413, 415, 422});
    return statuses;
}

json::object responses_of(const route& r)
{
    json::object responses;
    for (const answer& a : r.answers)
        add_answer(responses, a);
    for (const unsigned status : problems_of(r))
        if (!responses.contains(std::to_string(status)))
            responses[std::to_string(status)] = json::object{
                {"description", text(title_of(status))},
                {"content",
                 json::object{{"application/problem+json", json::object{{"schema", reference("problem")}}}}}};
    return responses;
}

std::string_view who_may(const route& r)
{
    switch (r.needs) {
    case need::probe:
    case need::open:
        return "Needs no token.";
    case need::read:
        return "Needs a token of any role.";
    case need::act:
        return "Needs the role `user` or `admin`.";
    case need::admin:
        break;
    }
    return "Needs the role `admin`.";
}

json::object operation_of(const route& r)
{
    json::array parameters;
    add_parameters(parameters, r.in_path, "path");
    add_parameters(parameters, r.in_query, "query");
    std::string about(r.about);
    about += (about.empty() ? "" : "\n\n") + std::string(who_may(r));
    json::object out{{"operationId", text(r.operation)},
                     {"tags", json::array{text(r.tag)}},
                     {"summary", text(r.summary)},
                     {"description", about},
                     {"parameters", std::move(parameters)}};
    if (!r.body.empty())
        out["requestBody"] =
            json::object{{"required", r.body_required},
                         {"content", json::object{{"application/json", json::object{{"schema", reference(r.body)}}}}}};
    out["responses"] = responses_of(r);
    if (r.needs == need::probe || r.needs == need::open)
        out["security"] = json::array();
    return out;
}

json::object paths()
{
    json::object out;
    for (const route& r : routes()) {
        json::value& path = out[json::string_view(r.path.data(), r.path.size())];
        if (path.is_null())
            path = json::object();
        path.as_object()[text::lower(r.method)] = operation_of(r);
    }
    return out;
}

constexpr const char* description =
    "Runs DAGs, and shows what becomes of them.\n\nLists come in pages: `{\"items\": […], \"next\": CURSOR}`, and "
    "`next` is "
    "null on the last. What is wrong is told as a problem document (RFC 9457). Answers to GET carry an `ETag`; with "
    "`If-None-Match` what has not changed is 304. Times are RFC 3339 in UTC. New members may be added to what is "
    "given; "
    "what is there keeps its meaning. Members and parameters that are not known are refused.";

} // namespace

json::object openapi_document(std::string_view version)
{
    return {
        {"openapi", "3.1.0"},
        {"info", json::object{{"title", "potoo"},
                              {"version", text(version.empty() ? "0" : version)},
                              {"description", description}}},
        {"jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema"},
        {"security", json::array{json::object{{"token", json::array()}}}},
        {"paths", paths()},
        {"components", json::object{{"schemas", schemas()},
                                    {"securitySchemes",
                                     json::object{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

} // namespace potoo::server
