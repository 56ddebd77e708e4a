#pragma once
// Operators for trials of the API.

#include <potoo/callback.hpp>
#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <string>

namespace potoo::server::test {

inline task<json::value> say(context& ctx)
{
    const std::string text(ctx.input().contains("text") ? ctx.input().at("text").as_string() : "said");
    ctx.log(text);
    co_return json::value(json::string(text));
}

inline task<json::value> wait_long(context&)
{
    co_await sleep_for(std::chrono::hours(24));
    co_return json::value();
}

inline task<json::value> fail(context&)
{
    throw fatal("broken on purpose");
    co_return json::value();
}

inline task<json::value> fail_second(context& ctx)
{
    if (ctx.input().at("n") == 2)
        throw fatal("the second never works");
    co_return json::value();
}

/// The token of the callback that was opened last.
inline std::string& last_token()
{
    static std::string token;
    return token;
}

inline task<json::value> ask_outside(context& ctx)
{
    const open_callback asked = co_await ctx.callback("answer");
    last_token() = asked.token();
    auto answer = co_await ctx.completion(asked);
    co_return answer;
}

} // namespace potoo::server::test
