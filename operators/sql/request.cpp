#include "request.hpp"

namespace potoo::sql {
namespace {

bool flag(const json::object& with, std::string_view name, bool usual)
{
    const json::value* v = with.if_contains(name);
    return v ? v->as_bool() : usual;
}

} // namespace

request read_request(const context& ctx)
{
    const json::object& with = ctx.input();
    request r;
    r.statement = std::string(with.at("statement").as_string());
    if (const json::value* values = with.if_contains("parameters"))
        r.parameters = postgres::parameters_from(values->as_array());
    if (const json::value* most = with.if_contains("max_rows"))
        r.max_rows = most->to_number<std::size_t>();
    r.read_only = flag(with, "read_only", r.read_only);
    r.transaction = flag(with, "transaction", r.transaction);
    r.idempotent = flag(with, "idempotent", r.idempotent);
    if (r.read_only && !r.transaction)
        throw fatal("with.read_only: needs a transaction to be held to it, and `transaction: false` asks for none");
    return r;
}

} // namespace potoo::sql
