#include <potoo/context.hpp>
#include <potoo/error.hpp>
#include <potoo/operator.hpp>

#include <string>
#include <string_view>

namespace {

using namespace potoo;

std::string text(const json::object& with, std::string_view name, std::string_view otherwise)
{
    const json::value* v = with.if_contains(name);
    return std::string(v ? std::string_view(v->as_string()) : otherwise);
}

task<json::value> fail(context& ctx)
{
    const std::string message = text(ctx.input(), "message", "told to fail");
    const std::string kind = text(ctx.input(), "class", "retryable");
    const std::string code = text(ctx.input(), "code", "");
    if (kind == "skip")
        throw skip(message);
    if (kind == "fatal")
        throw fatal(message, code);
    throw failure(message, code);
    co_return nullptr;
}

} // namespace

POTOO_OPERATOR("fail", fail,
               {.summary = "Fails, or skips itself, on purpose.",
                .schema = R"json({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "message": {"type": "string", "description": "The task's error. Default: told to fail."},
    "class": {"enum": ["retryable", "fatal", "skip"], "description": "retryable: another attempt follows if the task's retry allows. fatal: none does. skip: the task ends skipped. Default retryable."},
    "code": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$", "description": "A short word for the failure that retry.on can name. Default: none."}
  }
})json",
                .example = R"(refuse:
  operator: fail
  depends_on: [list]
  when: ${{ length(tasks.list.output) == 0 }}
  with: {message: no samples found, class: fatal}
)"})
