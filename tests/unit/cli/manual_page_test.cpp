#include "golden.hpp"

#include "engine/cli/display/manual_page.hpp"

using namespace potoo;
using namespace potoo::cli;

namespace {

operator_entry example_operator()
{
    operator_entry op;
    op.name = "convert";
    op.summary = "Converts things from one form to another, however long it takes, and says what became of them.";
    op.schema = json::parse(R"({
        "type": "object", "required": ["from"], "additionalProperties": false,
        "definitions": {"place": {"type": "object", "required": ["url"],
                                  "properties": {"url": {"type": "string", "description": "Where"},
                                                 "tries": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}}}},
        "properties": {
            "from": {"$ref": "#/definitions/place"},
            "mode": {"enum": ["fast", "exact"], "default": "exact", "description": "How to convert"},
            "args": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "steps": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "done": {"type": "boolean", "description": "An expression over the response that says whether it has ended"}}})");
    op.example = "convert_it:\n  operator: convert\n  with: {from: {url: here}}\n";
    op.late = {"done"};
    op.late_names = {"response"};
    return op;
}

} // namespace

BOOST_AUTO_TEST_SUITE(manual_pages)

BOOST_AUTO_TEST_CASE(page_describes_every_property)
{
    test::check_golden("manual_page.txt", manual_page(example_operator(), 72));
}

BOOST_AUTO_TEST_CASE(schema_that_refers_to_itself_ends)
{
    operator_entry op;
    op.name = "tree";
    op.schema = json::parse(R"({"type": "object", "definitions": {"node": {"type": "object", "properties":
        {"left": {"$ref": "#/definitions/node"}}}}, "properties": {"root": {"$ref": "#/definitions/node"}}})");
    BOOST_TEST(manual_page(op, 80).find("left") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(operator_without_properties_says_so)
{
    operator_entry op;
    op.name = "nothing";
    op.schema = json::object();
    BOOST_TEST(manual_page(op, 80).find("with: nothing") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
