#include <potoo/expression.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <array>
#include <optional>

using namespace potoo;

namespace {

expression_names usual_names()
{
    expression_names names;
    names.allow("item").allow("id", value_type::string);
    return names;
}

struct world
{
    json::value item = json::parse(R"({"id": "s1", "n": 2, "d": 1.5, "t": true, "null": null, "list": [1, "x"],
                                       "object": {"a": 1.0}, "big": 18446744073709551615})");
    json::value id = json::value("job-7");
    bindings bound;

    world() { bound.set("item", item).set("id", id); }
};

value_template compile(std::string_view text)
{
    return value_template::compile(text, usual_names());
}

json::value render(std::string_view text)
{
    const world w;
    return compile(text).render(w.bound);
}

template <class Action>
void check_error(Action action, std::size_t offset, std::string_view message, std::string_view suggestion = "")
{
    try {
        action();
    } catch (const expression_error& e) {
        BOOST_TEST(e.what() == message);
        BOOST_TEST(e.offset() == offset);
        BOOST_TEST(e.suggestion() == suggestion);
        return;
    }
    BOOST_ERROR("no error where `" << message << "` was expected");
}

void refuses(std::string_view text, std::size_t offset, std::string_view message, std::string_view suggestion = "")
{
    BOOST_TEST_CONTEXT(text)
    {
        check_error([&] { (void)compile(text); }, offset, message, suggestion);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(value_templates)

BOOST_AUTO_TEST_CASE(one_whole_expression_keeps_its_type)
{
    const world w;
    BOOST_TEST(render("${{ item.n }}") == json::value(2));
    BOOST_TEST(render("${{item.list}}") == w.item.at("list"));
    BOOST_TEST(render("${{ item.nothing }}").is_null());
    BOOST_TEST(render("${{\n  item.t\n}}") == json::value(true));
    BOOST_TEST(compile("${{ item.n }}").is_expression());
    BOOST_TEST(!compile("${{ item.n }}").is_string());
    BOOST_TEST(!compile("${{ item.n }} ").is_expression());
}

BOOST_AUTO_TEST_CASE(expressions_within_text_become_text)
{
    BOOST_TEST(render("n=${{ item.n }}") == json::value("n=2"));
    BOOST_TEST(render("${{ item.id }}${{ id }}") == json::value("s1job-7"));
    BOOST_TEST(render("<${{ item.d }}|${{ item.t }}|${{ item.null }}|${{ item.nothing }}>") ==
               json::value("<1.5|true||>"));
    BOOST_TEST(render("<${{ item.list }} ${{ item.object }}>") == json::value("<[1,\"x\"] {\"a\":1E0}>"));
    BOOST_TEST(render("<${{ item.big }} ${{ 3.0 }} ${{ -1 }} ${{ 1e300 }}>") ==
               json::value("<18446744073709551615 3 -1 1e+300>"));
}

BOOST_AUTO_TEST_CASE(braces_in_quotes_do_not_end_an_expression)
{
    BOOST_TEST(render("${{ 'a }} b' }}") == json::value("a }} b"));
    BOOST_TEST(render("x ${{ 'it''s }} ${{ ' }} y") == json::value("x it's }} ${{  y"));
    BOOST_TEST(render("}} ${{ item.n }} }}") == json::value("}} 2 }}"));
    BOOST_TEST(render("${{ item.n }}}}") == json::value("2}}"));
}

BOOST_AUTO_TEST_CASE(an_escaped_opening_is_literal)
{
    BOOST_TEST(render("$${{ item.n }}") == json::value("${{ item.n }}"));
    BOOST_TEST(render("a $${{ b ${{ item.n }}") == json::value("a ${{ b 2"));
    BOOST_TEST(render("$$${{ x") == json::value("$${{ x"));
    BOOST_TEST(render("$ $$ ${ $") == json::value("$ $$ ${ $"));
    BOOST_TEST(render("$$ ${{ item.n }}$") == json::value("$$ 2$"));
    const auto t = compile("$${{ x }}");
    BOOST_TEST(t.is_constant());
    BOOST_TEST(t.is_string());
    BOOST_TEST(t.source() == json::value("$${{ x }}"));
    const auto in_array = value_template::array({t});
    BOOST_TEST(in_array.is_constant());
    BOOST_TEST(in_array.source() == json::value(json::array{"$${{ x }}"}));
    BOOST_TEST(in_array.render(bindings{}) == json::value(json::array{"${{ x }}"}));
}

BOOST_AUTO_TEST_CASE(offsets_of_errors_count_from_the_start_of_the_text)
{
    refuses("ab ${{ item.n", 3, "`${{` without `}}`");
    refuses("ab ${{ 'x }}", 7, "the text that starts here has no closing quote");
    refuses("ab ${{ itm.n }}", 7, "`itm` is not a name that is known here", "item");
    refuses("${{ item.n }} ${{   length(5) }}", 27, "`length` takes a string, an array or an object, not a number");
    refuses("ab ${{ }}", 6, "an expression is missing");
    refuses("ab ${{}}", 6, "an expression is missing");
    refuses("ab ${{ \"x\" }}", 7, "text is written in single quotes", "'");
    refuses("ab \xFF", 3, "the text is not valid UTF-8");
}

BOOST_AUTO_TEST_CASE(a_failed_rendering_names_place_and_expression)
{
    const world w;
    const auto t = value_template::compile_all(json::parse(R"({"body": {"ids": ["x", "a ${{ item.id.x }}"]}, "n": 1})"),
                                               usual_names());
    check_error([&] { (void)t.render(w.bound); }, 13,
                "in `item.id.x` at `body.ids[1]`: `item.id` is a string and has no members");
    check_error([&] { (void)compile("${{ item.id.x }}").render(w.bound); }, 11,
                "in `item.id.x`: `item.id` is a string and has no members");
}

BOOST_AUTO_TEST_CASE(every_string_within_a_value_is_compiled)
{
    const world w;
    const auto v =
        json::parse(R"({"url": "http://x/${{ id }}", "body": {"ids": ["${{ item.n }}", 5, null]}, "k": true})");
    const auto t = value_template::compile_all(v, usual_names());
    BOOST_TEST(t.render(w.bound) ==
               json::parse(R"({"url": "http://x/job-7", "body": {"ids": [2, 5, null]}, "k": true})"));
    BOOST_TEST(t.source() == v);
    BOOST_TEST(!t.is_constant());
    BOOST_TEST(t.expressions().size() == 2U);
    BOOST_TEST(t.expressions()[0].source() == "id");
    check_error(
        [&] { (void)value_template::compile_all(json::parse(R"({"a": [{"b": "${{ idd }}"}]})"), usual_names()); }, 4,
        "at `a[0].b`: `idd` is not a name that is known here", "id");
}

BOOST_AUTO_TEST_CASE(a_constant_is_never_looked_into)
{
    const auto t = value_template::constant(json::parse(R"({"a": "${{ nothing }}"})"));
    BOOST_TEST(t.is_constant());
    BOOST_TEST(t.render(bindings{}) == json::parse(R"({"a": "${{ nothing }}"})"));
    BOOST_TEST(value_template().render(bindings{}).is_null());
    BOOST_TEST(value_template().is_constant());
}

BOOST_AUTO_TEST_CASE(members_can_be_taken_and_left_out)
{
    const world w;
    for (const auto* text :
         {R"({"a": "${{ id }}", "b": 2, "c": {"d": 3}})", R"({"a": "job-7", "b": 2, "c": {"d": 3}})"}) {
        const auto t = value_template::compile_all(json::parse(text), usual_names());
        BOOST_REQUIRE(t.member("a").has_value());
        BOOST_TEST(t.member("a")->render(w.bound) == json::value("job-7"));
        BOOST_TEST(t.member("c")->member("d")->render(w.bound) == json::value(3));
        BOOST_TEST(!t.member("x").has_value());
        const std::array<std::string, 2> left_out{"a", "x"};
        const auto rest = t.without(left_out);
        BOOST_TEST(rest.render(w.bound) == json::parse(R"({"b": 2, "c": {"d": 3}})"));
        BOOST_TEST(rest.is_constant());
    }
    BOOST_TEST(!compile("text").member("a").has_value());
}

BOOST_AUTO_TEST_CASE(a_string_tells_its_pieces)
{
    const auto parts = compile("./list.sh ${{ item.id }} $${{ -v").parts();
    BOOST_REQUIRE(parts.size() == 3U);
    BOOST_TEST(std::get<std::string>(parts[0]) == "./list.sh ");
    BOOST_TEST(std::get<expression>(parts[1]).source() == "item.id");
    BOOST_TEST(std::get<std::string>(parts[2]) == " ${{ -v");
    BOOST_REQUIRE(compile("plain").parts().size() == 1U);
    BOOST_TEST(std::get<std::string>(compile("plain").parts()[0]) == "plain");
    BOOST_TEST(compile("${{ item.id }}").parts().empty());
    BOOST_TEST(value_template::constant(5).parts().empty());
    BOOST_TEST(compile("plain").is_string());
    BOOST_TEST(compile("a ${{ id }}").is_string());
}

BOOST_AUTO_TEST_CASE(depth_is_limited)
{
    auto t = compile("${{ id }}");
    for (int i = 1; i < 200; ++i) {
        t = value_template::array({t});
    }
    check_error([&] { (void)value_template::array({t}); }, 0, "the value is nested more than 200 deep");
    json::value deep = 1;
    for (int i = 0; i < 200; ++i) {
        json::array outer;
        outer.push_back(std::move(deep));
        deep = std::move(outer);
    }
    check_error([&] { (void)value_template::compile_all(deep, usual_names()); }, 0,
                "the value is nested more than 200 deep");
}

BOOST_AUTO_TEST_CASE(random_text_is_compiled_or_refused)
{
    const auto names = usual_names();
    const world w;
    const auto pieces = rc::gen::elementOf(std::vector<std::string>{"${{", "}}", "$", "{", "'", "item", ".n", ".id",
                                                                    " ", "x", "ö", "1", "==", "\xFF", "$${{"});
    const bool held = rc::check("only expression_error is thrown", [&] {
        std::string text;
        for (const auto& p : *rc::gen::container<std::vector<std::string>>(pieces)) {
            text += p;
        }
        try {
            const auto t = value_template::compile(text, names);
            RC_ASSERT(t.source() == json::value(json::string(text)));
            (void)t.render(w.bound);
        } catch (const expression_error& e) {
            RC_ASSERT(e.offset() <= text.size());
        }
    });
    BOOST_TEST(held);
}

BOOST_AUTO_TEST_SUITE_END()
