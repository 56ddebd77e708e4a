#include "engine/graph/dag_schema.hpp"
#include "engine/graph/schema_check.hpp"

#include "tests/unit/graph/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::graph;
using namespace potoo::graph::test;

namespace {

std::string problems(std::string_view schema, std::string_view value, expressions e = expressions::absent)
{
    std::string out;
    for (const auto& p : compiled_schema(json::parse(json::string_view(schema.data(), schema.size())))
                             .check(json::parse(json::string_view(value.data(), value.size())), e))
        out += format_path("v", p.path) + ": " + p.message + "\n";
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(every_keyword_is_judged)
{
    struct judged
    {
        const char* schema;
        const char* good;
        const char* bad;
        const char* message;
    };

    const judged all[] = {
        {R"({"type": "integer"})", "3", "3.5", "v: must be a whole number, not the number 3.5\n"},
        {R"({"type": ["null", "boolean"]})", "null", "3", "v: must be true or false or null, not the number 3\n"},
        {R"({"const": 3})", "3", "4", "v: must be `3`, not `4`\n"},
        {R"({"enum": [1, "a"]})", "\"a\"", "2", "v: must be one of `1`, `a`, not `2`\n"},
        {R"({"minimum": 2})", "2", "1", "v: must be at least 2, not 1\n"},
        {R"({"exclusiveMaximum": 2})", "1", "2", "v: must be less than 2, not 2\n"},
        {R"({"multipleOf": 3})", "9", "10", "v: must be a multiple of 3, not 10\n"},
        {R"({"multipleOf": 0.1})", "0.3", "0.35", "v: must be a multiple of 0.1, not 0.35\n"},
        {R"({"minLength": 1})", "\"x\"", "\"\"", "v: must not be empty\n"},
        {R"({"maxLength": 2})", "\"éé\"", "\"abc\"", "v: must have at most 2 characters, not 3\n"},
        {R"({"pattern": "^a+$"})", "\"aa\"", "\"b\"", "v: must match the pattern `^a+$`, and `b` does not\n"},
        {R"({"format": "duration"})", "\"5s\"", "\"5\"", "v: must be a duration such as 30s, 1h30m or 2d, not `5`\n"},
        {R"({"minItems": 1})", "[1]", "[]", "v: must not be empty\n"},
        {R"({"maxItems": 1})", "[1]", "[1, 2]", "v: must have at most 1 elements, not 2\n"},
        {R"({"uniqueItems": true})", "[1, 2]", "[1, 2, 1]", "v[2]: stands in the list twice\n"},
        {R"({"items": {"type": "string"}})", R"(["a"])", R"(["a", null])", "v[1]: must be a string, not null\n"},
        {R"({"items": [{"type": "string"}], "additionalItems": false})", R"(["a"])", R"(["a", 1])",
         "v: must have at most 1 elements, not 2\n"},
        {R"({"contains": {"type": "string"}})", R"([1, "a"])", "[1]", "v: has no element of the kind that is wanted\n"},
        {R"({"required": ["a"]})", R"({"a": 1})", "{}", "v: `a` is missing\n"},
        {R"({"properties": {"a": {"type": "string"}}})", R"({"a": "x", "b": 1})", R"({"a": 1})",
         "v.a: must be a string, not the number 1: put it in quotes\n"},
        {R"({"additionalProperties": {"type": "null"}})", R"({"a": null})", R"({"a b": 1})",
         "v['a b']: must be null, not the number 1\n"},
        {R"({"patternProperties": {"^x": {"type": "null"}}, "additionalProperties": false})", R"({"xa": null})",
         R"({"y": 1})", "v.y: unknown key `y`\n"},
        {R"({"propertyNames": {"pattern": "^a"}})", R"({"ab": 1})", R"({"b": 1})",
         "v.b: the key `b` must match the pattern `^a`, and `b` does not\n"},
        {R"({"minProperties": 1})", R"({"a": 1})", "{}", "v: must have at least 1 keys, not 0\n"},
        {R"({"dependencies": {"a": ["b"]}})", R"({"a": 1, "b": 1})", R"({"a": 1})", "v.a: needs `b` beside it\n"},
        {R"({"allOf": [{"minimum": 1}, {"maximum": 3}]})", "2", "4", "v: must be at most 3, not 4\n"},
        {R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "null", "[]",
         "v: must be a string or null, not a list\n"},
        {R"({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]})", R"({"a": 1})", "{}", "v: `a` or `b` is missing\n"},
        {R"({"oneOf": [{"minimum": 1}, {"maximum": 3}]})", "4", "2",
         "v: fits more than one of the forms that it may take; exactly one is allowed\n"},
        {R"({"anyOf": [{"minimum": 9}, {"maximum": 3}]})", "2", "5",
         "v: fits none of the forms that it may take (must be at least 9, not 5; must be at most 3, not 5)\n"},
        {R"({"not": {"type": "null"}})", "1", "null", "v: has a form that is not allowed here\n"},
        {R"({"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 2}})", "\"ab\"", "1",
         "v: must be at least 2, not 1\n"},
        {R"({"properties": {"a": false}})", "{}", R"({"a": 1})", "v.a: is not allowed here\n"},
        {R"({"definitions": {"n": {"minimum": 2}}, "$ref": "#/definitions/n"})", "2", "1",
         "v: must be at least 2, not 1\n"},
    };
    for (const auto& j : all) {
        BOOST_TEST_INFO(j.schema);
        BOOST_TEST(problems(j.schema, j.good) == "");
        BOOST_TEST_INFO(j.schema);
        BOOST_TEST(problems(j.schema, j.bad) == j.message);
    }
}

BOOST_AUTO_TEST_CASE(combinations_that_depend_on_an_expression_are_left_open)
{
    const auto open = expressions::present;
    BOOST_TEST(problems(R"({"oneOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"a": {"const": 2}}}]})",
                        R"({"a": "${{ x }}"})", open) == "");
    BOOST_TEST(problems(R"({"not": {"properties": {"a": {"const": 1}}}})", R"({"a": "${{ x }}"})", open) == "");
    BOOST_TEST(problems(R"({"contains": {"const": 1}})", R"([2, "${{ x }}"])", open) == "");
    BOOST_TEST(problems(R"({"uniqueItems": true})", R"(["${{ x }}", "${{ x }}"])", open) == "");
    BOOST_TEST(
        problems(R"({"if": {"properties": {"a": {"const": 1}}}, "then": false})", R"({"a": "${{ x }}"})", open) == "");
    BOOST_TEST(problems(R"({"enum": ["a"]})", R"("a${{ x }}")", open) == "");
    BOOST_TEST(problems(R"({"enum": ["a"]})", R"("a${{ x }}")") == "v: must be `a`, not `a${{ x }}`\n");
}

BOOST_AUTO_TEST_CASE(a_schema_that_is_none_is_refused)
{
    BOOST_CHECK_THROW(compiled_schema(json::value(3)), schema_error);
    BOOST_CHECK_THROW(compiled_schema(json::parse(R"({"type": "strin"})")), schema_error);
    BOOST_CHECK_THROW(compiled_schema(json::parse(R"({"pattern": "("})")), schema_error);
    BOOST_CHECK_THROW(compiled_schema(json::parse(R"({"minLength": "x"})")), schema_error);
}

BOOST_AUTO_TEST_CASE(a_rendered_with_is_checked_again)
{
    const auto& shell = *known_operators().find("shell");
    BOOST_TEST(check_with(shell, json::parse(R"({"command": ["a"]})")).empty());
    const auto wrong = check_with(shell, json::parse(R"({"command": null, "cmd": 1})"));
    BOOST_TEST(wrong == (std::vector<std::string>{"with.command: must be a string or a list, not null",
                                                  "with.cmd: unknown key `cmd`; did you mean `command`?"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(late_properties_are_not_missed_when_with_is_rendered)
{
    const auto& poller = *known_operators().find("poller");
    BOOST_TEST(check_with(poller, json::parse(R"({"submit": {"url": "x"}})")).empty());
    BOOST_TEST(check_with(poller, json::parse(R"({"submit": {"url": "x"}, "state": 3})")).empty());
    BOOST_TEST(check_with(poller, json::parse(R"({"submit": {}})")).size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_schema_of_dag_files_accepts_good_ones_and_refuses_bad_ones)
{
    const compiled_schema dag_schema(dag_json_schema(known_operators()));
    const auto good = json::parse(R"({"name": "x", "params": {"p": {"type": "string"}}, "retry": 1, "tasks": {"a": {
        "operator": "shell", "with": {"command": ["a", "${{ x }}"]}, "retry": 3, "timeout": "1h30m", "when": "${{ true }}",
        "foreach": [1], "trigger_rule": "one_done"}}})");
    auto without_mistake = good;
    without_mistake.as_object().erase("retry");
    BOOST_TEST(dag_schema.check(without_mistake).empty());
    BOOST_TEST(dag_schema.check(good).size() == 1u);
    for (const auto* bad : {R"({"tasks": {}})", R"({"tasks": {"a": {}}})", R"({"tasks": {"a": {"operator": "nop"}}})",
                            R"({"tasks": {"a": {"operator": "shell", "with": {"command": 3}}}})",
                            R"({"tasks": {"a": {"operator": "noop", "timeout": "soon"}}})"})
        BOOST_TEST(!dag_schema.check(json::parse(bad)).empty());
}

BOOST_AUTO_TEST_CASE(an_operator_that_cannot_be_registered_is_reported_not_lost)
{
    operator_registry registry;
    registry.add("b", nullptr, {.late = " x  yy ", .late_names = "id"});
    registry.add("a", nullptr, {});
    BOOST_TEST(registry.all().at(0)->name == "a");
    BOOST_TEST(registry.find("b")->late == (std::vector<std::string>{"x", "yy"}), boost::test_tools::per_element());
    BOOST_TEST(registry.find("c") == nullptr);
    BOOST_CHECK_THROW(registry.add("a", nullptr, {}), std::invalid_argument);
    BOOST_CHECK_THROW(registry.add("c", nullptr, {.schema = "[]"}), std::invalid_argument);
    BOOST_CHECK_THROW(registry.add("c", nullptr, {.schema = "{"}), std::invalid_argument);

    const detail::operator_registration broken("broken", nullptr, {.schema = "{"});
    BOOST_TEST(operators().find("broken") == nullptr);
    BOOST_TEST(operators().problems().at(0).starts_with("the schema of the operator `broken` is not JSON"));
}

BOOST_AUTO_TEST_SUITE_END()
