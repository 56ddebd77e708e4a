#include <potoo/context.hpp>
#include <potoo/operator.hpp>

namespace {

potoo::task<potoo::json::value> twice(potoo::context& ctx)
{
    co_return potoo::json::value(ctx.input().at("number").as_int64() * 2);
}

potoo::task<potoo::json::value> stumble(potoo::context&)
{
    throw potoo::fatal("stumbled", "sample");
    co_return potoo::json::value();
}

} // namespace

POTOO_OPERATOR("sample_twice", twice, {.summary = "Twice the number.", .schema = R"({
    "type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}})"})
POTOO_OPERATOR("sample_stumble", stumble, {.summary = "Fails."})
