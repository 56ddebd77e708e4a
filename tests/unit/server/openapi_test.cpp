#include "engine/server/api/openapi.hpp"
#include "engine/server/api/route.hpp"
#include "engine/server/api/schemas.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace potoo;
using namespace potoo::server;

namespace {

/// Calls `visit` with every `$ref` in `v`.
template <class Visit>
void references(const json::value& v, Visit visit)
{
    if (const auto* o = v.if_object())
        for (const auto& m : *o) {
            if (m.key() == "$ref")
                visit(std::string(m.value().as_string()));
            else
                references(m.value(), visit);
        }
    if (const auto* a = v.if_array())
        for (const auto& e : *a)
            references(e, visit);
}

/// Variables of a template, `{run}` is `run`.
std::set<std::string> variables_of(std::string_view path)
{
    std::set<std::string> out;
    for (auto begin = path.find('{'); begin != std::string_view::npos; begin = path.find('{', begin + 1))
        out.emplace(path.substr(begin + 1, path.find('}', begin) - begin - 1));
    return out;
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_openapi_document)

BOOST_AUTO_TEST_CASE(every_operation_is_in_it_with_its_parameters)
{
    const json::value d = openapi_document("1.2.3");
    BOOST_TEST(d.at("openapi").as_string() == "3.1.0");
    std::size_t operations = 0;
    for (const auto& path : d.at("paths").as_object())
        operations += path.value().as_object().size();
    BOOST_TEST(operations == routes().size());
    for (const route& r : routes()) {
        BOOST_TEST_INFO_SCOPE(r.method << ' ' << r.path);
        const json::value& operation = d.at("paths").at(std::string(r.path)).at(lower(r.method));
        BOOST_TEST(std::string(operation.at("operationId").as_string()) == r.operation);
        std::set<std::string> in_path;
        for (const json::value& p : operation.at("parameters").as_array())
            if (p.at("in").as_string() == "path")
                in_path.emplace(p.at("name").as_string());
        BOOST_TEST(in_path == variables_of(r.path), boost::test_tools::per_element());
        BOOST_TEST(operation.at("responses").as_object().contains("500"));
        BOOST_TEST(!r.summary.empty());
        BOOST_TEST(!r.answers.empty());
    }
}

BOOST_AUTO_TEST_CASE(operations_have_names_of_their_own)
{
    std::set<std::string_view> seen;
    for (const route& r : routes())
        BOOST_TEST(seen.insert(r.operation).second, r.operation);
}

BOOST_AUTO_TEST_CASE(references_lead_somewhere_and_every_schema_is_one_that_is_used)
{
    const json::value d = openapi_document("1.2.3");
    std::set<std::string> used;
    references(d, [&](const std::string& target) {
        const std::string prefix = "#/components/schemas/";
        BOOST_TEST_REQUIRE(target.starts_with(prefix));
        BOOST_TEST(schemas().contains(target.substr(prefix.size())), target);
        used.insert(target.substr(prefix.size()));
    });
    for (const auto& schema : schemas()) {
        BOOST_TEST(used.contains(std::string(schema.key())), "nothing uses " << schema.key());
        BOOST_CHECK_NO_THROW(static_cast<void>(schema_named(std::string_view(schema.key()))));
    }
}

BOOST_AUTO_TEST_SUITE_END()
