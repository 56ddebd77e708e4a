/// Any text as an expression, and as a string with expressions in it, evaluated against values of every kind.

#include "claim.hpp"

#include <potoo/expression.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace potoo;
using fuzz::claim;

namespace {

struct world
{
    json::value params = json::parse(R"({"cohort": "north", "size": 3, "flag": true, "free": null})");
    json::value item = json::parse(R"({"id": "s1", "a key": 1, "n": 2, "list": [10, 20, 30], "null": null, "big": 1e3,
                                       "field": "id", "deep": {"x": [{"y": "z"}]}, "t": true, "ü": "é",
                                       "huge": 18446744073709551615, "low": -9223372036854775808, "tiny": 5e-324,
                                       "json": "{\"a\": [1, 2]}"})");
    json::value ids = json::parse(R"(["a", 1, true, null, [1, "x"], {"b": 1.0}])");
    json::value list_task = json::parse(R"({"output": {"samples": [{"id": "a"}, {"id": "b"}]}, "state": "success"})");
    json::value token = json::value("tok");
    json::value index = 1;
    bindings bound;
    expression_names names;

    world()
    {
        names.allow("item").allow("launch_token", value_type::string).allow("ids", value_type::array).allow("nobody");
        names.allow("index", value_type::number);
        names.allow_closed("params", "it is not declared under `params`");
        names.allow_member("params", "cohort", value_type::string).allow_member("params", "size", value_type::number);
        names.allow_member("params", "flag", value_type::boolean).allow_member("params", "free");
        names.allow_checked("tasks", [](std::string_view member) -> expression_names::member_answer {
            const bool exists = member == "list";
            return {.exists = exists, .type = value_type::object, .hint = {}, .suggestion = "list", .members = {}};
        });
        bound.set("params", params).set("item", item).set("ids", ids).set("launch_token", token).set("index", index);
        bound.set_members("tasks", [this](std::string_view name) { return name == "list" ? &list_task : nullptr; });
    }
};

bool is_of(value_type t, const json::value& v)
{
    switch (t) {
    case value_type::any:
        return true;
    case value_type::null:
        return v.is_null();
    case value_type::boolean:
        return v.is_bool();
    case value_type::number:
        return v.is_number();
    case value_type::string:
        return v.is_string();
    case value_type::array:
        return v.is_array();
    case value_type::object:
        return v.is_object();
    }
    return false;
}

/// What `work` gives, unless it is refused at a place within the text.
template <class Work>
auto unless_refused(std::string_view text, Work work) -> std::optional<decltype(work())>
{
    try {
        return work();
    } catch (const expression_error& e) {
        claim(*e.what() != '\0', "an error says what it is", text);
        claim(e.offset() <= text.size(), "an error's place is within the text", e.what());
        return std::nullopt;
    }
}

void check_value(const expression& e, const world& w, std::string_view text)
{
    const auto value = unless_refused(text, [&] { return e.evaluate(w.bound); });
    const auto again = unless_refused(text, [&] { return e.evaluate(w.bound); });
    claim(value == again, "evaluating twice gives the same", text);
    const auto truth = unless_refused(text, [&] { return e.evaluate_bool(w.bound); });
    if (value)
        claim(truth.has_value() == value->is_bool() && (!truth || *truth == value->get_bool()),
              "as a boolean it is what it is", text);
    if (value)
        claim(is_of(e.type(), *value) || value->is_null(), "the type known before is the value's", text);
    const auto place = unless_refused(text, [&] { return e.find_in(w.bound); });
    if (place && *place)
        claim(value && **place == *value, "what a path finds in place is its value", text);
}

void check_expression(std::string_view text, const world& w)
{
    const auto e = unless_refused(text, [&] { return expression::compile(text, w.names); });
    if (!e)
        return;
    claim(e->mentions("tasks") == !e->members_of("tasks").empty(), "who mentions `tasks` names one", text);
    check_value(*e, w, text);
    const auto again = unless_refused(text, [&] { return expression::compile(e->source(), w.names); });
    claim(again && again->source() == e->source() && again->type() == e->type(), "what compiles compiles again", text);
}

void check_template(std::string_view text, const world& w)
{
    const auto t = unless_refused(text, [&] { return value_template::compile(text, w.names); });
    if (!t)
        return;
    const auto rendered = unless_refused(text, [&] { return t->render(w.bound); });
    claim(!t->is_constant() || rendered, "a constant renders", text);
    claim(t->is_expression() || !rendered || rendered->is_string(), "text with expressions in it is text", text);
    if (t->is_constant())
        return;
    const auto again = unless_refused(text, [&] { return value_template::compile_all(t->source(), w.names); });
    claim(again && again->source() == t->source(), "what compiles compiles again", text);
    claim(unless_refused(text, [&] { return again->render(w.bound); }) == rendered, "it renders to the same", text);
}

/// Texts of hundreds of megabytes are allowed, and too slow to be made here all the time.
bool makes_much(std::string_view text)
{
    std::size_t digits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        digits = std::isdigit(static_cast<unsigned char>(text[i])) != 0 ? digits + 1 : 0;
        const bool exponent = (text[i] == 'e' || text[i] == 'E') && i > 0 && std::isdigit(text[i - 1]) != 0;
        if ((digits > 4 || exponent) && text.find("range") != std::string_view::npos)
            return true;
    }
    std::size_t texts = 0;
    for (std::size_t at = text.find("to_json"); at != std::string_view::npos; at = text.find("to_json", at + 1))
        ++texts;
    return texts > 8 || text.find("item.big)") != std::string_view::npos;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const world w;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (makes_much(text))
        return -1;
    check_expression(text, w);
    check_template(text, w);
    return 0;
}
