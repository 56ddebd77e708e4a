#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/job_log.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;

namespace {

task<json::value> nothing(context&)
{
    co_return json::value();
}

struct logging : test::fixture
{
    test::fake_context ctx{loop, "logging"};
    job_log log{ctx};

    void out(std::string_view text) { log.add(output_stream::standard_output, text); }
};

const json::value answer = json::object{{"answer", 42}};

} // namespace

POTOO_OPERATOR("logging", nothing, {.summary = "For tests.", .schema = R"({"type": "object"})"})

BOOST_FIXTURE_TEST_SUITE(job_logs, logging)

BOOST_AUTO_TEST_CASE(everything_is_passed_on)
{
    out("a\nb");
    log.add(output_stream::standard_error, "trouble\n");
    BOOST_TEST(ctx.standard_output == "a\nb");
    BOOST_TEST(ctx.standard_error == "trouble\n");
}

BOOST_AUTO_TEST_CASE(json_in_the_last_line_is_the_result)
{
    out("working\n{\"answer\": 42}\n");
    BOOST_TEST((log.result() == answer));
}

BOOST_AUTO_TEST_CASE(result_is_found_wherever_the_pieces_end)
{
    const std::string text = "{\"no\": 1}\nwords\n\n{\"answer\": 42}\r\n \n\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        job_log pieces(ctx);
        pieces.add(output_stream::standard_output, std::string_view(text).substr(0, cut));
        pieces.add(output_stream::standard_output, std::string_view(text).substr(cut));
        BOOST_TEST((pieces.result() == answer), cut);
    }
}

BOOST_AUTO_TEST_CASE(last_line_needs_no_end)
{
    out("x\n{\"answer\": 42}");
    BOOST_TEST((log.result() == answer));
}

BOOST_AUTO_TEST_CASE(last_line_of_words_is_no_result)
{
    out("{\"answer\": 42}\ndone\n");
    BOOST_TEST(!log.result());
}

BOOST_AUTO_TEST_CASE(what_is_written_to_standard_error_is_no_result)
{
    out("{\"answer\": 42}\n");
    log.add(output_stream::standard_error, "{\"warning\": 1}\n");
    BOOST_TEST((log.result() == answer));
}

BOOST_AUTO_TEST_CASE(line_too_long_to_keep_is_no_result)
{
    out("{\"before\": 1}\n[" + std::string(job_log::longest_result, ' '));
    out("1]\n");
    BOOST_TEST(!log.result());
    out("{\"answer\": 42}\n");
    BOOST_TEST((log.result() == answer));
}

BOOST_AUTO_TEST_CASE(line_that_is_almost_json_is_told_of)
{
    json::value output = json::object();
    out("[INFO] working\n");
    log.add_result(output);
    BOOST_TEST(ctx.lines.empty());
    out("{answer: 42}\n");
    log.add_result(output);
    BOOST_TEST(ctx.lines.size() == 1U);
    BOOST_TEST((output == json::value(json::object())));
}

BOOST_AUTO_TEST_CASE(output_without_a_result_stays_as_it_is)
{
    json::value output = json::object{{"id", "1"}};
    log.add_result(output);
    BOOST_TEST((output == json::value(json::object{{"id", "1"}})));
    out("[1]\n");
    log.add_result(output);
    BOOST_TEST((output == json::value(json::object{{"id", "1"}, {"result", json::array{1}}})));
}

BOOST_AUTO_TEST_SUITE_END()
