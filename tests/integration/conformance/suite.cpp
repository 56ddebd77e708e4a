#include "tests/integration/conformance/suite.hpp"

#include "tests/integration/conformance/cells.hpp"

#include <boost/test/tree/test_case_counter.hpp>
#include <boost/test/tree/test_unit.hpp>
#include <boost/test/unit_test.hpp>

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace potoo::conformance {
namespace {

struct verdict
{
    std::string backend;
    std::string cell;
    std::string text;
};

std::vector<verdict>& verdicts()
{
    static std::vector<verdict> all;
    return all;
}

/// One line a cell, once all have been tried.
struct report
{
    ~report()
    {
        for (const verdict& v : verdicts())
            fmt::print("conformance  {:<28} {:<58} {}\n", v.backend, v.cell, v.text);
        std::fflush(stdout);
    }
};

BOOST_TEST_GLOBAL_FIXTURE(report);

using factory = std::function<std::unique_ptr<remote_system>(std::string&)>;

void attempt(const std::string& backend, const factory& make, const cell& c)
{
    verdict v{backend, c.name, "passed"};
    std::string why;
    try {
        const auto remote = make(why);
        if (!remote)
            throw not_applicable(why);
        trial t{*remote, {}};
        c.attempt(t);
    } catch (const not_applicable& e) {
        v.text = fmt::format("skipped: {}", e.what());
    } catch (const std::exception& e) {
        v.text = fmt::format("FAILED: {}", e.what());
        BOOST_ERROR(e.what());
    }
    BOOST_TEST(true);
    verdicts().push_back(std::move(v));
}

} // namespace

suite::suite(std::string name, factory make)
{
    using namespace boost::unit_test;
    auto* s = new test_suite(name, __FILE__, __LINE__);
    for (const cell& c : cells())
        s->add(make_test_case([name, make, &c] { attempt(name, make, c); }, c.name, __FILE__, __LINE__));
    framework::master_test_suite().add(s);
}

} // namespace potoo::conformance
