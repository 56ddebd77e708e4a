#include "tests/integration/conformance/job_service_system.hpp"
#include "tests/integration/conformance/suite.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace potoo::conformance {
namespace {

class my_jobs final : public job_service_system
{
  public:
    my_jobs() : job_service_system(launch_guarantee::finds) {}

    std::string task_text(job_kind kind) const override
    {
        return fmt::format("operator: my_job\nwith:\n  url: ${{{{ params.service }}}}\n  command: {}\n",
                           command_of(kind));
    }
};

const suite own("own_backend",
                [](std::string&) -> std::unique_ptr<remote_system> { return std::make_unique<my_jobs>(); });

std::string text_of(const std::string& path)
{
    std::ifstream in(std::string(SOURCE_DIR) + "/" + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

BOOST_AUTO_TEST_CASE(page_about_backends_quotes_the_example)
{
    const std::string page = text_of("docs/how-to/write-a-backend.md");
    const std::string source = text_of("examples/own_backend/my_jobs.cpp");
    const std::string fence = "```cpp\n";
    int quotes = 0;
    for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
        at += fence.size();
        const std::string quote = page.substr(at, page.find("```", at) - at);
        BOOST_TEST((source.find(quote) != std::string::npos), "not in my_jobs.cpp:\n" << quote);
        ++quotes;
    }
    BOOST_TEST(quotes >= 5);
}

} // namespace
} // namespace potoo::conformance
