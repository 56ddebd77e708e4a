#include <potoo/context.hpp>
#include <potoo/operator.hpp>

namespace {

potoo::task<potoo::json::value> do_nothing(potoo::context& ctx)
{
    const potoo::json::value* output = ctx.input().if_contains("output");
    co_return output ? *output : potoo::json::value();
}

} // namespace

POTOO_OPERATOR("noop", do_nothing,
               {.summary = "Does nothing, and succeeds.",
                .schema = R"json({
  "type": "object",
  "additionalProperties": true,
  "properties": {
    "output": {"description": "What the task's output is to be, of any type. Default null. Any other property is rendered and ignored."}
  }
})json",
                .example = R"(ready:
  operator: noop
  depends_on: [extract, transform]
  with: {output: "${{ tasks.extract.output }}"}
)"})
