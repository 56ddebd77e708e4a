// An operator that waits for an answer from outside, and tells its token to whoever reads the file that is given.
#include <potoo/context.hpp>
#include <potoo/operator.hpp>

#include <fstream>
#include <string>

namespace json = potoo::json;

namespace {

potoo::task<json::value> write_token(std::string file, std::string token)
{
    std::ofstream(file) << token;
    co_return json::value();
}

potoo::task<json::value> ask(potoo::context& ctx)
{
    const std::string file(ctx.input().at("token_file").as_string());
    const potoo::open_callback asked = co_await ctx.callback("answer");
    co_await ctx.step("tell", write_token(file, asked.token()));
    auto answer = co_await ctx.completion(asked);
    co_return answer;
}

POTOO_OPERATOR("test_ask", ask, {.summary = "Waits for an answer.", .schema = R"({
    "type": "object", "required": ["token_file"], "properties": {"token_file": {"type": "string"}}})"})

} // namespace
