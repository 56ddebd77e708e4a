#include "engine/graph/params.hpp"

#include "tests/unit/graph/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::graph;
using namespace potoo::graph::test;

namespace {

std::shared_ptr<const dag> with_params()
{
    return load_good(R"yaml(
params:
  cohort: {type: string}
  lanes: {type: integer, minimum: 1, default: 4}
  fast: {type: boolean, default: false}
  names: {type: array, items: {type: string}, default: []}
  either: {type: [integer, string], default: 1}
  level: {enum: ["1", "2"], default: "1"}
  free: {default: null}
tasks: {a: {operator: noop}}
)yaml");
}

std::string text_of(const std::vector<param_problem>& problems)
{
    std::string out;
    for (const auto& p : problems)
        out += p.name + ": " + p.message + (p.suggestion.empty() ? "" : " [" + p.suggestion + "]") + "\n";
    return out;
}

json::value parsed(std::string_view name, std::string_view text)
{
    const auto p = parse_param(*with_params(), name, text);
    BOOST_TEST(text_of(p.problems) == "");
    return p.value;
}

} // namespace

BOOST_AUTO_TEST_SUITE(params)

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_is_refused)
{
    const auto p = parse_param(*with_params(), "cohort", "a\xff");
    BOOST_TEST(text_of(p.problems) == "cohort: `cohort` is no text: its byte 2 is not valid UTF-8\n");
}

BOOST_AUTO_TEST_CASE(defaults_fill_in_what_is_not_given)
{
    const auto r = check_params(*with_params(), {{"cohort", "x"}, {"lanes", 9}});
    BOOST_TEST(text_of(r.problems) == "");
    BOOST_TEST(
        json::value(r.values) ==
        json::parse(
            R"({"cohort": "x", "lanes": 9, "fast": false, "names": [], "either": 1, "level": "1", "free": null})"));
}

BOOST_AUTO_TEST_CASE(wrong_missing_and_unknown_values_are_named)
{
    const auto r = check_params(*with_params(), {{"lanes", 0}, {"names", {1}}, {"chort", "x"}});
    BOOST_TEST(text_of(r.problems) == "chort: `chort` is no parameter of the DAG [cohort]\n"
                                      "cohort: `cohort` must be given: it has no default (`-p cohort=…`)\n"
                                      "lanes: `lanes` must be at least 1, not 0\n"
                                      "names: `names[0]` must be a string, not the number 1: put it in quotes\n");
}

BOOST_AUTO_TEST_CASE(text_is_read_as_the_schema_wants_it)
{
    BOOST_TEST(parsed("cohort", "12") == json::value("12"));
    BOOST_TEST(parsed("lanes", "12") == json::value(12));
    BOOST_TEST(parsed("fast", "true") == json::value(true));
    BOOST_TEST(parsed("names", R"(["a"])") == json::parse(R"(["a"])"));
    BOOST_TEST(parsed("either", "12") == json::value(12));
    BOOST_TEST(parsed("either", "1.5") == json::value("1.5"));
    BOOST_TEST(parsed("either", "x") == json::value("x"));
    BOOST_TEST(parsed("level", "2") == json::value("2"));
    BOOST_TEST(parsed("free", "[1]") == json::parse("[1]"));
    BOOST_TEST(parsed("free", "a b") == json::value("a b"));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_value_of_the_type_is_refused)
{
    const auto d = with_params();
    BOOST_TEST(text_of(parse_param(*d, "lanes", "many").problems) ==
               "lanes: `lanes` must be a whole number, not `many`\n");
    BOOST_TEST(text_of(parse_param(*d, "names", "a,b").problems) ==
               "names: `names` must be a list in JSON, such as [\"a\", \"b\"], not `a,b`\n");
    BOOST_TEST(text_of(parse_param(*d, "lane", "1").problems) == "lane: `lane` is no parameter of the DAG [lanes]\n");
}

BOOST_AUTO_TEST_SUITE_END()
