#include "sql_look.hpp"

#include <potoo/operator.hpp>
#include <potoo/sensor.hpp>

namespace {

using namespace potoo;

task<json::value> run_sql_sensor(context& ctx)
{
    const json::object& with = ctx.input();
    const std::string statement(with.at("statement").as_string());
    const json::value* values = with.if_contains("parameters");
    const auto parameters = values ? postgres::parameters_from(values->as_array()) : std::vector<postgres::parameter>();
    const sensor_pace pace = read_sensor_pace(with);
    postgres::pool& p = postgres::pool_for(ctx);
    const auto once = [&] { return sql::look(ctx, p, statement, parameters); };
    auto found = co_await sense(ctx, pace, once);
    co_return found;
}

} // namespace

POTOO_OPERATOR("sql_sensor", run_sql_sensor,
               {.summary = "Waits until the first cell of a PostgreSQL query is true; its row is the output.",
                .schema = R"({
      "type": "object", "required": ["statement"], "additionalProperties": false,
      "properties": {
        "statement": {"type": "string", "minLength": 1, "description": "One SQL statement that changes nothing. Its first column must be boolean, or a number, of which all but 0 are true; no row, or NULL, is not yet."},
        "parameters": {"type": "array", "description": "Values of $1, $2, …: null, true, false, numbers and text; lists and maps as JSON text."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of a connection of type sql. Default: the one called sql, else what libpq's environment says (PGHOST, PGUSER, PGPASSWORD, …)."},
        )" POTOO_SENSOR_PROPERTIES R"(
      }})",
                .example = R"(loaded:
  operator: sql_sensor
  with:
    statement: select count(*) >= 1000 from samples where batch = $1
    parameters: ["${{ params.sample }}"]
    interval: 10s
    timeout: 2h
)",
                .sensor = true})
