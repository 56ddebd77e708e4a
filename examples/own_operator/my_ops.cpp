#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <sstream>
#include <string>

namespace json = potoo::json;

namespace {

// The simplest operator: looks at its input, returns its output.
potoo::task<json::value> count_words(potoo::context& ctx)
{
    std::istringstream text{std::string(ctx.input().at("text").as_string())};
    std::string word;
    int words = 0;
    while (text >> word)
        ++words;
    if (words == 0)
        throw potoo::fatal("there are no words in `text`", "no_words"); // Trying again would be no use.
    co_return json::object{{"words", words}};
}

// What is done in a step is written down, and not done again when the engine is restarted.
potoo::task<json::value> mix(std::string flavour)
{
    co_await potoo::sleep_for(std::chrono::milliseconds(50));
    co_return json::value("dough with " + flavour);
}

// Stands for any job that goes on for a while somewhere else: begun once, then looked at again and again.
potoo::task<json::value> bake(potoo::context& ctx)
{
    const std::string flavour(ctx.input().at("flavour").as_string());
    const auto minutes = ctx.input().contains("minutes") ? ctx.input().at("minutes").as_int64() : 5;

    auto dough = co_await ctx.step("mix", mix(flavour));
    ctx.log("in the oven: " + std::string(dough.as_string()));

    const potoo::context::deferral waiting(ctx); // Shown as deferred: it costs memory and no thread.
    for (std::int64_t minute = 1; minute <= minutes; ++minute) {
        co_await potoo::sleep_for(std::chrono::milliseconds(100));
        ctx.progress(static_cast<double>(minute) / static_cast<double>(minutes), "minute " + std::to_string(minute));
    }
    co_return json::object{{"cake", flavour}, {"minutes", minutes}};
}

} // namespace

POTOO_OPERATOR("count_words", count_words,
               {.summary = "Counts the words of a text.",
                .schema = R"({
      "type": "object", "required": ["text"], "additionalProperties": false,
      "properties": {"text": {"type": "string", "description": "What to count in"}}})",
                .example = R"(words:
  operator: count_words
  with: {text: the potoo sits still}
)"})

POTOO_OPERATOR("bake", bake,
               {.summary = "Bakes a cake; a minute takes a tenth of a second.",
                .schema = R"({
      "type": "object", "required": ["flavour"], "additionalProperties": false,
      "properties": {
        "flavour": {"type": "string", "description": "What the cake tastes of"},
        "minutes": {"type": "integer", "minimum": 1, "maximum": 600, "description": "How long it bakes. Default 5."}
      }})",
                .example = R"(cake:
  operator: bake
  with: {flavour: lemon, minutes: 3}
)"})
