#include "engine/graph/operator_json.hpp"
#include "engine/graph/spelling.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"

#include <potoo/operator.hpp>

#include <fmt/format.h>

namespace potoo::server {
namespace {

task<web::reply> list_operators(call&)
{
    json::array items;
    for (const operator_entry* op : operators().all())
        items.push_back(
            json::object{{"name", op->name}, {"kind", op->sensor ? "sensor" : "operator"}, {"summary", op->summary}});
    co_return list_reply(std::move(items), {});
}

task<web::reply> get_operator(call& c)
{
    const std::string& name = c.in_path("operator");
    if (const operator_entry* op = operators().find(name))
        co_return json_reply(200, graph::describe_operator(*op));
    std::vector<std::string_view> names;
    for (const operator_entry* known : operators().all())
        names.emplace_back(known->name);
    const auto nearest = graph::nearest_spelling(name, names);
    throw problem(404, "operator-unknown",
                  fmt::format("There is no operator '{}'{}", name,
                              nearest.empty() ? "; GET /api/v1/operators lists them."
                                              : fmt::format("; did you mean {}?", nearest)));
}

} // namespace

std::vector<route> operator_routes()
{
    return {
        {.method = "GET",
         .path = "/api/v1/operators",
         .operation = "list_operators",
         .tag = "operators",
         .summary = "List the operators and sensors",
         .answers = {{200, "operator_list", "All of them, by name"}},
         .handle = list_operators},
        {.method = "GET",
         .path = "/api/v1/operators/{operator}",
         .operation = "get_operator",
         .tag = "operators",
         .summary = "Look at an operator",
         .about = "With the JSON Schema of what its tasks take, and an example.",
         .in_path = {{.name = "operator", .about = "Its name."}},
         .answers = {{200, "operator", "The operator"}},
         .handle = get_operator},
    };
}

} // namespace potoo::server
