#include <potoo/expression.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <array>
#include <optional>

using namespace potoo;

namespace {

json::value parsed(std::string_view text)
{
    return json::parse(text);
}

expression_names usual_names()
{
    expression_names names;
    names.allow("item").allow("job").allow("launch_token", value_type::string).allow("ids", value_type::array);
    names.allow("response", value_type::object).allow("nobody").allow("index", value_type::number);
    names.allow_closed("params", "it is not declared under `params`");
    names.allow_member("params", "cohort", value_type::string).allow_member("params", "size", value_type::number);
    names.allow_member("params", "flag", value_type::boolean).allow_member("params", "free");
    static constexpr std::array<std::string_view, 3> of_task{"output", "state", "error"};
    names.allow_checked("tasks", [](std::string_view member) -> expression_names::member_answer {
        if (member == "list" || member == "my-task" || member == "2nd") {
            return {.exists = true, .type = value_type::object, .hint = {}, .suggestion = {}, .members = of_task};
        }
        return {.exists = false,
                .type = value_type::any,
                .hint = "it is not upstream of this task",
                .suggestion = "list",
                .members = {}};
    });
    return names;
}

struct world
{
    json::value params = parsed(R"({"cohort": "north", "size": 3, "flag": true, "free": null})");
    json::value item = parsed(R"({"id": "s1", "a key": 1, "n": 2, "list": [10, 20, 30], "null": null, "big": 1e3,
                                  "field": "id", "deep": {"x": [{"y": "z"}]}, "t": true, "f": false})");
    json::value job = parsed(R"({"state": "DONE", "codes": [1, 2.0, "x"], "at": 1.5})");
    json::value token = json::value("tok");
    json::value ids = parsed(R"(["a", 1, true, null, [1, "x"]])");
    json::value response = parsed(R"({"body": {"id": 7}})");
    json::value index = 1;
    json::value list_task = parsed(R"({"output": {"samples": [{"id": "a"}, {"id": "b"}]}, "state": "success"})");
    bindings bound;

    world()
    {
        bound.set("params", params).set("item", item).set("job", job).set("launch_token", token).set("ids", ids);
        bound.set("response", response).set("index", index);
        bound.set_members("tasks", [this](std::string_view name) { return name == "list" ? &list_task : nullptr; });
    }
};

expression compile(std::string_view source)
{
    return expression::compile(source, usual_names());
}

json::value value_of(std::string_view source)
{
    const world w;
    return compile(source).evaluate(w.bound);
}

template <class Action>
std::optional<expression_error> error_of(Action action)
{
    try {
        action();
    } catch (const expression_error& e) {
        return e;
    }
    return std::nullopt;
}

void check_error(const std::optional<expression_error>& e, std::size_t offset, std::string_view message,
                 std::string_view suggestion)
{
    BOOST_REQUIRE_MESSAGE(e.has_value(), "no error where `" << message << "` was expected");
    BOOST_TEST(e->what() == message);
    BOOST_TEST(e->offset() == offset);
    BOOST_TEST(e->suggestion() == suggestion);
}

void refuses(std::string_view source, std::size_t offset, std::string_view message, std::string_view suggestion = "")
{
    BOOST_TEST_CONTEXT(source)
    {
        check_error(error_of([&] { (void)compile(source); }), offset, message, suggestion);
    }
}

void fails(std::string_view source, std::size_t offset, std::string_view message)
{
    BOOST_TEST_CONTEXT(source)
    {
        const auto e = compile(source);
        const world w;
        check_error(error_of([&] { (void)e.evaluate(w.bound); }), offset, message, "");
    }
}

void yields(std::string_view source, std::string_view expected)
{
    BOOST_TEST_CONTEXT(source)
    {
        BOOST_TEST(value_of(source) == parsed(expected));
    }
}

std::string repeated(std::string_view text, std::size_t times)
{
    std::string result;
    for (std::size_t i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(expression_language)

BOOST_AUTO_TEST_CASE(literals_are_what_they_look_like)
{
    yields("null", "null");
    yields("true", "true");
    yields(" false ", "false");
    yields("12", "12");
    yields("-12", "-12");
    yields("1.5", "1.5");
    yields("-1.5e3", "-1500.0");
    yields("2E-1", "0.2");
    yields("18446744073709551615", "18446744073709551615");
    yields("-9223372036854775808", "-9223372036854775808");
    yields("'text'", R"("text")");
    yields("''", R"("")");
    yields("'it''s }} \"here\"'", R"("it's }} \"here\"")");
    yields("'größe'", R"("größe")");
}

BOOST_AUTO_TEST_CASE(a_path_leads_to_a_member_or_element)
{
    yields("params.cohort", R"("north")");
    yields("item.id", R"("s1")");
    yields("item['a key']", "1");
    yields("item.list[1]", "20");
    yields("item.list[index]", "20");
    yields("item.list[1.0]", "20");
    yields("item[item.field]", R"("s1")");
    yields("item . deep\n.x[0] ['y']", R"("z")");
    yields("tasks.list.output.samples[1].id", R"("b")");
    yields("tasks['list'].state", R"("success")");
    yields("tasks.my-task.output", "null");
    yields("tasks.2nd.output", "null");
    yields("item.null", "null");
    yields("(item.deep).x[0].y", R"("z")");
    yields("from_json('{\"a\": [1, 2]}').a[1]", "2");
    yields("range(5)[3]", "3");
    yields("default(item.nothing, item.deep).x[0].y", R"("z")");
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_null)
{
    yields("item.nothing", "null");
    yields("item.nothing.at[3].all[item.n]", "null");
    yields("item.list[3]", "null");
    yields("item.list[-1]", "null");
    yields("item.list[18446744073709551615]", "null");
    yields("item.list[1e300]", "null");
    yields("null.x[1]['y']", "null");
    yields("tasks.list.error.message", "null");
}

BOOST_AUTO_TEST_CASE(operators_bind_as_documented)
{
    yields("true || false && false", "true");
    yields("(true || false) && false", "false");
    yields("false && true || true", "true");
    yields("1 < 2 == true", "true");
    yields("true == 1 < 2", "true");
    yields("!false && false", "false");
    yields("!(false && false)", "true");
    yields("!item.f == true", "true");
    yields("!!item.t", "true");
    yields("1 == 1 && 2 == 2 || false", "true");
    yields("1 == 2 == false", "true");
    yields("-1 < 1", "true");
}

BOOST_AUTO_TEST_CASE(numbers_compare_by_value_across_kinds)
{
    yields("1 == 1.0", "true");
    yields("1 != 1.0", "false");
    yields("18446744073709551615 > 9223372036854775807", "true");
    yields("18446744073709551615 == -1", "false");
    yields("-1 < 18446744073709551615", "true");
    yields("18446744073709551615 < 18446744073709551616.0", "true");
    yields("18446744073709551615 == 18446744073709551615.0", "false");
    yields("9007199254740993 == 9007199254740992.0", "false");
    yields("9007199254740993 > 9007199254740992.0", "true");
    yields("9223372036854775807 < 9223372036854775808.0", "true");
    yields("-9223372036854775808 == -9223372036854775808.0", "true");
    yields("-9223372036854775808 > -1e30", "true");
    yields("1 < 1.5 && 1.5 < 2 && -1.5 < -1 && -2 < -1.5", "true");
    yields("18446744073709551615 > 1.5 && 18446744073709551615 > -0.5", "true");
    yields("2 <= 2.0 && 2 >= 2.0", "true");
}

BOOST_AUTO_TEST_CASE(equality_is_by_content)
{
    yields("item.list == from_json('[10, 20.0, 30]')", "true");
    yields("item.list == from_json('[10, 20]')", "false");
    yields("item.deep == from_json('{\"x\": [{\"y\": \"z\"}]}')", "true");
    yields("from_json('{\"a\": 1, \"b\": 2}') == from_json('{\"b\": 2, \"a\": 1}')", "true");
    yields("from_json('{\"a\": 1}') == from_json('{\"b\": 1}')", "false");
    yields("item.id == 1", "false");
    yields("item.id != 1", "true");
    yields("item.id == null", "false");
    yields("item.nothing == null", "true");
    yields("params.cohort == null", "false");
    yields("params.cohort != 'test'", "true");
    yields("1 == null", "false");
}

BOOST_AUTO_TEST_CASE(equality_of_deep_data_does_not_recurse)
{
    constexpr std::size_t depth = 20'000;
    json::parse_options options;
    options.max_depth = depth + 1;
    const auto text = repeated("[", depth) + repeated("]", depth);
    // The library frees values recursively, so these are given back piece by piece.
    auto a = json::parse(text, {}, options);
    auto b = json::parse(text, {}, options);
    bindings bound;
    bound.set("item", a).set("job", b);
    BOOST_TEST(compile("item == job").evaluate_bool(bound));
    for (auto* v : {&a, &b}) {
        while (v->is_array() && !v->get_array().empty()) {
            json::value inner = std::move(v->get_array().front());
            *v = std::move(inner);
        }
    }
}

BOOST_AUTO_TEST_CASE(strings_have_an_order)
{
    yields("'a' < 'b'", "true");
    yields("'a' <= 'a'", "true");
    yields("'B' < 'a'", "true");
    yields("'z' < 'ä'", "true");
    yields("'a' > 'ab'", "false");
    yields("item.id >= 's0'", "true");
}

BOOST_AUTO_TEST_CASE(conditions_stop_when_they_are_decided)
{
    yields("item.f && item.id", "false");
    yields("item.t || item.id", "true");
    fails("item.t && item.id", 10, "`&&` takes a boolean, not a string");
    fails("item.f || item.nothing", 10, "`||` takes a boolean, not null");
    fails("item.id && item.t", 0, "`&&` takes a boolean, not a string");
    fails("!item.n", 1, "`!` takes a boolean, not a number");
    yields("default(1, from_json('broken'))", "1");
}

BOOST_AUTO_TEST_CASE(functions_do_as_documented)
{
    yields("length('größe')", "5");
    yields("length(item.list)", "3");
    yields("length(response)", "1");
    yields("contains(item.list, 20.0)", "true");
    yields("contains(item.list, '20')", "false");
    yields("contains('abc', 'bc')", "true");
    yields("contains(response, 'body')", "true");
    yields("contains(response, 'id')", "false");
    yields("join(ids, ', ')", R"("a, 1, true, , [1,\"x\"]")");
    yields("join(from_json('[]'), '-')", R"("")");
    yields("join(from_json('[1.5, 1e300, -0.25]'), ' ')", R"("1.5 1e+300 -0.25")");
    yields("range(3)", "[0, 1, 2]");
    yields("range(0)", "[]");
    yields("range(-3)", "[]");
    yields("range(2, 5)", "[2, 3, 4]");
    yields("range(5, 2)", "[]");
    yields("range(0, 10, 4)", "[0, 4, 8]");
    yields("range(5, 0, -2)", "[5, 3, 1]");
    yields("range(3.0)", "[0, 1, 2]");
    yields("range(length(item.list))", "[0, 1, 2]");
    yields("range(-9223372036854775808, 9223372036854775807, 9223372036854775807)",
           "[-9223372036854775808, -1, 9223372036854775806]");
    yields("from_json('{\"a\": 1}')", R"({"a": 1})");
    yields("from_json(' 1 ')", "1");
    yields("to_json('a\"b')", R"("\"a\\\"b\"")");
    yields("to_json(null)", R"("null")");
    yields("to_json(1.5)", R"("1.5")");
    yields("to_json(ids)", R"("[\"a\",1,true,null,[1,\"x\"]]")");
    yields("default(null, 1)", "1");
    yields("default(item.nothing, 'x')", R"("x")");
    yields("default(item.f, true)", "false");
    BOOST_TEST(value_of("length(range(10000000))") == json::value(10'000'000));
}

BOOST_AUTO_TEST_CASE(functions_refuse_what_they_do_not_take)
{
    fails("length(item.n)", 7, "`length` takes a string, an array or an object, not a number");
    fails("length(item.nothing)", 7, "`length` takes a string, an array or an object, not null");
    fails("contains(item.n, 1)", 9, "`contains` takes a string, an array or an object as first argument, not a number");
    fails("contains(item.id, 1)", 18, "`contains` looks in a string for a string, not for a number");
    fails("contains(item.deep, item.n)", 20, "`contains` looks in an object for a string, not for a number");
    fails("join(item.id, ',')", 5, "`join` takes an array as first argument, not a string");
    fails("join(item.list, item.n)", 16, "`join` takes a string as second argument, not a number");
    fails("range(1.5)", 6, "`range` takes whole numbers");
    fails("range(18446744073709551615)", 6, "`range` takes numbers up to 9223372036854775807");
    fails("range(0, 1, 0)", 12, "the step of `range` must not be 0");
    fails("range(10000001)", 6, "`range` makes more than 10,000,000 elements");
    fails("range(-9223372036854775808, 9223372036854775807)", 6, "`range` makes more than 10,000,000 elements");
    fails("range(9223372036854775807, -9223372036854775808, -1)", 6, "`range` makes more than 10,000,000 elements");
    fails("from_json(item.list)", 10, "`from_json` takes a string, not an array");
    fails("from_json('[1, x]')", 10, "`from_json` cannot read its text as JSON: syntax error at byte 4 of `[1, x]`");
    fails("from_json('1 2')", 10, "`from_json` cannot read its text as JSON: extra data at byte 2 of `1 2`");
    fails("from_json('[1')", 10, "`from_json` cannot read its text as JSON: incomplete JSON at byte 2 of `[1`");
    fails("from_json('" + std::string(100, 'x') + "')", 10,
          "`from_json` cannot read its text as JSON: syntax error at byte 0");
}

BOOST_AUTO_TEST_CASE(misuse_of_a_value_names_it)
{
    fails("item.id.x", 7, "`item.id` is a string and has no members");
    fails("item.n[0]", 6, "`item.n` is a number and has no elements");
    fails("item.list.id", 9, "`item.list` is an array and is indexed by number, not by name");
    fails("item.deep[0]", 9, "`item.deep` is an object and is indexed by name, not by number");
    fails("item.list[item.id]", 9, "`item.list` is an array and is indexed by number, not by name");
    fails("item.list[item.t]", 10, "an index is a number or a string, not a boolean");
    fails("item.list[item.nothing]", 10, "an index is a number or a string, not null");
    fails("item.list[job.at]", 10, "an index is a whole number");
    fails("item.id < 1", 10, "`<` compares two numbers or two strings, not a string and a number");
    fails("item.nothing >= 1", 0, "`>=` compares two numbers or two strings, not null and a number");
    fails("1 < item.list", 4, "`<` compares two numbers or two strings, not a number and an array");
    fails("nobody.x == 1", 0, "`nobody` has no value here");
    fails("(item.list).x", 11, "`(item.list)` is an array and is indexed by number, not by name");
    fails("from_json('[]').x", 15, "`from_json('[]')` is an array and is indexed by number, not by name");
}

BOOST_AUTO_TEST_CASE(misuse_of_a_known_type_does_not_compile)
{
    refuses("'a' < 1", 4, "`<` compares two numbers or two strings, not a string and a number");
    refuses("true < false", 5, "`<` compares two numbers or two strings, not a boolean and a boolean");
    refuses("null >= item.n", 5, "`>=` compares two numbers or two strings, not null and any value");
    refuses("'a' == 1", 4, "`==` compares a string and a number, which are never equal");
    refuses("params.cohort != params.size", 14, "`!=` compares a string and a number, which are never equal");
    refuses("!5", 1, "`!` takes a boolean, not a number");
    refuses("item.t && 'x'", 10, "`&&` takes a boolean, not a string");
    refuses("params.cohort || item.t", 0, "`||` takes a boolean, not a string");
    refuses("length(5)", 7, "`length` takes a string, an array or an object, not a number");
    refuses("join(ids, 5)", 10, "`join` takes a string as second argument, not a number");
    refuses("range(1, 'x')", 9, "`range` takes a number as second argument, not a string");
    refuses("from_json(ids)", 10, "`from_json` takes a string, not an array");
    refuses("length(default(null, 5))", 7, "`length` takes a string, an array or an object, not a number");
    refuses("launch_token.x", 12, "`launch_token` is a string and has no members");
    refuses("params.cohort[0]", 13, "`params.cohort` is a string and has no elements");
    refuses("ids.x", 3, "`ids` is an array and is indexed by number, not by name");
    refuses("ids[params.cohort]", 3, "`ids` is an array and is indexed by number, not by name");
    refuses("response[0]", 8, "`response` is an object and is indexed by name, not by number");
    refuses("ids[true]", 4, "an index is a number or a string, not a boolean");
    refuses("ids[1.5]", 4, "an index is a whole number");
    refuses("length(1)[0]", 7, "`length` takes a string, an array or an object, not a number");
}

BOOST_AUTO_TEST_CASE(unknown_names_carry_the_nearest_spelling)
{
    refuses("parms.cohort", 0, "`parms` is not a name that is known here", "params");
    refuses("1 == itme", 5, "`itme` is not a name that is known here", "item");
    refuses("inputs.cohort", 0, "`inputs` is not a name that is known here", "params");
    refuses("elephants", 0, "`elephants` is not a name that is known here");
    refuses("params.chort", 7, "there is no `chort` in `params`: it is not declared under `params`", "cohort");
    refuses("params['chort']", 7, "there is no `chort` in `params`: it is not declared under `params`", "cohort");
    refuses("tasks.lst.output", 6, "there is no `lst` in `tasks`: it is not upstream of this task", "list");
    refuses("tasks.list.ouput", 11, "there is no `ouput` in `tasks.list`, only `output`, `state`, `error`", "output");
    refuses("item.t && tasks.list.ouput.x", 21, "there is no `ouput` in `tasks.list`, only `output`, `state`, `error`",
            "output");
    refuses("lenght(ids)", 0, "there is no function `lenght`", "length");
    refuses("toJson(ids)", 0, "there is no function `toJson`", "to_json");
    refuses("len(ids)", 0, "there is no function `len`", "length");
    refuses("sqrt(2)", 0, "there is no function `sqrt`");
    refuses("length", 0, "`length` is a function: length(value)");
}

BOOST_AUTO_TEST_CASE(a_closed_root_needs_the_name_of_a_member)
{
    refuses("params", 0, "`params` is used with the name of a member, as in `params.name`");
    refuses("1 == length(params)", 12, "`params` is used with the name of a member, as in `params.name`");
    refuses("params[item.id]", 0, "`params` is used with the name of a member, as in `params.name`");
    refuses("tasks[0]", 0, "`tasks` is used with the name of a member, as in `tasks.name`");
}

BOOST_AUTO_TEST_CASE(a_call_needs_the_right_count_of_arguments)
{
    refuses("length()", 0, "`length` takes 1 argument, not 0: length(value)");
    refuses("1 < length(ids, 1)", 4, "`length` takes 1 argument, not 2: length(value)");
    refuses("join(ids)", 0, "`join` takes 2 arguments, not 1: join(array, separator)");
    refuses("range()", 0,
            "`range` takes 1 to 3 arguments, not 0: range(end), range(start, end) or range(start, end, step)");
    refuses("range(1, 2, 3, 4)", 0,
            "`range` takes 1 to 3 arguments, not 4: range(end), range(start, end) or range(start, end, step)");
}

BOOST_AUTO_TEST_CASE(broken_text_is_refused_where_it_breaks)
{
    refuses("", 0, "an expression is missing");
    refuses("  \t", 0, "an expression is missing");
    refuses("item.", 5, "found the end where the name of a member should be");
    refuses("item.'x'", 5, "found `'x'` where the name of a member should be");
    refuses("item[", 5, "found the end where a value should be");
    refuses("item[0", 6, "found the end where `]` should be");
    refuses("(1", 2, "found the end where `)` should be");
    refuses("1 2", 2, "found `2` where the end of the expression or an operator should be");
    refuses("item.t and item.f", 7, "found `and` where the end of the expression or an operator should be", "&&");
    refuses("not item.t", 0, "`not` is not a name that is known here", "!");
    refuses("1 ==", 4, "found the end where a value should be");
    refuses("&& true", 0, "found `&&` where a value should be");
    refuses("length(ids", 10, "found the end where `,` or `)` should be");
    refuses("length(ids,)", 11, "found `)` where a value should be");
    refuses("item.t)", 6, "found `)` where the end of the expression or an operator should be");
    refuses("item.x = 1", 7, "`=` is not an operator", "==");
    refuses("item.t & item.f", 7, "`&` is not an operator", "&&");
    refuses("1 + 2", 2, "`+` is not an operator: expressions do not calculate");
    refuses("\"x\"", 0, "text is written in single quotes", "'");
    refuses("item.id == 'x", 11, "the text that starts here has no closing quote");
    refuses("12x", 0, "this is not a number");
    refuses("1.", 0, "this is not a number");
    refuses("012", 0, "this is not a number");
    refuses("1.2.3", 0, "this is not a number");
    refuses("18446744073709551616", 0, "the number is out of range");
    refuses("1 < 1e999", 4, "the number is out of range");
    refuses("a ; b", 2, "`;` has no meaning here");
    refuses(std::string_view("1\0", 2), 1, "a control character has no place in an expression");
    refuses("'a\xFF'", 2, "the expression is not valid UTF-8");
    refuses("{}", 0, "an object cannot be written in an expression");
}

BOOST_AUTO_TEST_CASE(size_and_depth_are_limited)
{
    refuses(std::string(64 * 1024 + 1, ' '), 0, "the expression is longer than 64 KiB");
    refuses(repeated("(", 101) + "1", 100, "the expression is nested more than 100 deep");
    refuses(repeated("(", 60'000), 100, "the expression is nested more than 100 deep");
    refuses(repeated("!", 60'000), 99, "the expression is nested more than 100 deep");
    refuses(repeated("item[", 12'000), 500, "the expression is nested more than 100 deep");
    refuses("true" + repeated(" == true", 200), 0, "the expression is nested more than 100 deep");
    yields(repeated("(", 99) + "1" + repeated(")", 99), "1");
    yields("item.t" + repeated(" && item.t", 5'000), "true");
    yields("item" + repeated(".x", 20'000), "null");
}

BOOST_AUTO_TEST_CASE(the_type_is_known_as_far_as_it_can_be)
{
    BOOST_CHECK(compile("item.id").type() == value_type::any);
    BOOST_CHECK(compile("params.cohort").type() == value_type::string);
    BOOST_CHECK(compile("params.free").type() == value_type::any);
    BOOST_CHECK(compile("launch_token").type() == value_type::string);
    BOOST_CHECK(compile("response.body").type() == value_type::any);
    BOOST_CHECK(compile("tasks.list").type() == value_type::object);
    BOOST_CHECK(compile("tasks.list.output").type() == value_type::any);
    BOOST_CHECK(compile("1 < 2").type() == value_type::boolean);
    BOOST_CHECK(compile("range(3)").type() == value_type::array);
    BOOST_CHECK(compile("range(3)[0]").type() == value_type::any);
    BOOST_CHECK(compile("to_json(1)").type() == value_type::string);
    BOOST_CHECK(compile("default(params.cohort, 'x')").type() == value_type::string);
    BOOST_CHECK(compile("default(params.cohort, 1)").type() == value_type::any);
    BOOST_CHECK(compile("default(null, 1)").type() == value_type::number);
    BOOST_CHECK(compile("null.x").type() == value_type::null);
}

BOOST_AUTO_TEST_CASE(a_path_is_found_in_place)
{
    const world w;
    BOOST_CHECK(compile("item.list").find_in(w.bound) == &w.item.at("list"));
    BOOST_CHECK(compile("item").find_in(w.bound) == &w.item);
    BOOST_CHECK(compile("item.list[index]").find_in(w.bound) == &w.item.at("list").at(1));
    BOOST_CHECK(compile("tasks.list.output").find_in(w.bound) == &w.list_task.at("output"));
    BOOST_CHECK(compile("item.null").find_in(w.bound) == &w.item.at("null"));
    BOOST_CHECK(compile("item.nothing").find_in(w.bound) == nullptr);
    BOOST_CHECK(compile("item.null.x").find_in(w.bound) == nullptr);
    BOOST_CHECK(compile("tasks.my-task.output").find_in(w.bound) == nullptr);
    BOOST_CHECK(compile("nobody.x").find_in(w.bound) == nullptr);
    BOOST_CHECK(compile("1 == 1").find_in(w.bound) == nullptr);
    BOOST_CHECK(compile("range(3)[0]").find_in(w.bound) == nullptr);
    BOOST_CHECK_THROW((void)compile("item.id.x").find_in(w.bound), expression_error);
}

BOOST_AUTO_TEST_CASE(a_condition_must_be_true_or_false)
{
    const world w;
    BOOST_TEST(compile("item.t").evaluate_bool(w.bound));
    BOOST_TEST(!compile("item.n == 3").evaluate_bool(w.bound));
    check_error(error_of([&] { (void)compile(" item.id").evaluate_bool(w.bound); }), 1,
                "this must be true or false, but is a string", "");
}

BOOST_AUTO_TEST_CASE(an_expression_tells_what_it_refers_to)
{
    const auto e =
        compile("contains(tasks.my-task.output[tasks.list.output], tasks['2nd'].state) && tasks.list.state == ''");
    const std::vector<std::string> expected{"my-task", "list", "2nd"};
    BOOST_TEST(e.members_of("tasks") == expected);
    BOOST_TEST(e.members_of("params").empty());
    BOOST_TEST(e.mentions("tasks"));
    BOOST_TEST(!e.mentions("item"));
    BOOST_TEST(compile("item").mentions("item"));
    BOOST_TEST(compile("item.id").source() == "item.id");
}

BOOST_AUTO_TEST_CASE(random_text_is_compiled_or_refused)
{
    const auto names = usual_names();
    const world w;
    const auto pieces = rc::gen::elementOf(
        std::vector<std::string>{"item", "params", "tasks",     ".list",   ".cohort", ".n",   ".",      "[",
                                 "]",    "(",      ")",         ",",       "'",       "'x'",  "''",     "1",
                                 "-2",   "1.5",    "0",         "==",      "!=",      "<",    "<=",     ">",
                                 "&&",   "||",     "!",         " ",       "true",    "null", "length", "contains",
                                 "join", "range(", "from_json", "to_json", "default", "ids",  "job",    "\"",
                                 "}}",   "ä",      "\xC3",      "index",   "e9",      "$"});
    const auto soup = rc::gen::map(rc::gen::container<std::vector<std::string>>(pieces), [](const auto& parts) {
        std::string text;
        for (const auto& p : parts) {
            text += p;
        }
        return text;
    });
    const auto text = rc::gen::oneOf(rc::gen::arbitrary<std::string>(), soup);
    const bool held = rc::check("only expression_error is thrown", [&] {
        const auto source = *text;
        try {
            const auto e = expression::compile(source, names);
            (void)e.find_in(w.bound);
            (void)e.evaluate(w.bound);
        } catch (const expression_error& e) {
            RC_ASSERT(e.offset() <= source.size());
        }
    });
    BOOST_TEST(held);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(expression_bindings)

BOOST_AUTO_TEST_CASE(an_inner_layer_hides_the_outer)
{
    const json::value one = 1;
    const json::value two = 2;
    const json::value object = parsed(R"({"x": 1})");
    bindings outer;
    outer.set("a", one).set("b", object);
    bindings inner(&outer);
    inner.set("a", two).set_members("b", [](std::string_view) -> const json::value* { return nullptr; });
    BOOST_CHECK(inner.find("a") == &two);
    BOOST_CHECK(outer.find("a") == &one);
    BOOST_CHECK(inner.find("b") == nullptr);
    BOOST_CHECK(inner.find_member("b", "x") == nullptr);
    BOOST_CHECK(outer.find_member("b", "x") == &object.at("x"));
    BOOST_TEST(inner.is_bound("b"));
    BOOST_TEST(!inner.is_bound("c"));
    BOOST_CHECK(bindings(&outer).find_member("b", "x") == &object.at("x"));
    BOOST_CHECK(inner.find_member("a", "x") == nullptr);
    BOOST_CHECK(inner.find("c") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_name_can_be_bound_anew)
{
    const json::value one = 1;
    const json::value two = 2;
    bindings b;
    b.set("a", one);
    b.set_members("a", [&](std::string_view) { return &two; });
    BOOST_CHECK(b.find("a") == nullptr);
    BOOST_CHECK(b.find_member("a", "x") == &two);
    b.set("a", two);
    BOOST_CHECK(b.find("a") == &two);
}

BOOST_AUTO_TEST_CASE(a_root_bound_by_members_has_no_value_of_its_own)
{
    expression_names names;
    names.allow("tasks");
    bindings b;
    b.set_members("tasks", [](std::string_view) -> const json::value* { return nullptr; });
    const auto whole = expression::compile("tasks", names);
    check_error(error_of([&] { (void)whole.evaluate(b); }), 0,
                "`tasks` is used with the name of a member, as in `tasks.name`", "");
    const auto position = expression::compile("tasks[0]", names);
    check_error(error_of([&] { (void)position.evaluate(b); }), 5,
                "`tasks` is an object and is indexed by name, not by number", "");
}

BOOST_AUTO_TEST_CASE(members_are_added_to_closed_roots_only)
{
    expression_names names;
    names.allow("open");
    BOOST_CHECK_THROW(names.allow_member("open", "x"), std::logic_error);
    BOOST_CHECK_THROW(names.allow_member("none", "x"), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
