// A watch's events are put together whatever pieces they come in.

#include "operators/kubernetes/watch_lines.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using potoo::kubernetes::line_splitter;

BOOST_AUTO_TEST_SUITE(kubernetes_watch_lines)

BOOST_AUTO_TEST_CASE(lines_are_the_same_wherever_the_body_is_cut)
{
    const std::string body = "{\"type\":\"ADDED\"}\n\n{\"a\":\"ä\"}\n{}\n";
    const std::vector<std::string> expected{"{\"type\":\"ADDED\"}", "{\"a\":\"ä\"}", "{}"};
    for (std::size_t first = 0; first <= body.size(); ++first) {
        for (std::size_t second = first; second <= body.size(); ++second) {
            std::vector<std::string> lines;
            line_splitter s([&](std::string_view line) {
                lines.emplace_back(line);
                return true;
            });
            const std::string_view all = body;
            BOOST_TEST(s.add(all.substr(0, first)));
            BOOST_TEST(s.add(all.substr(first, second - first)));
            BOOST_TEST(s.add(all.substr(second)));
            BOOST_TEST(lines == expected, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(line_that_has_not_ended_is_kept)
{
    std::vector<std::string> lines;
    line_splitter s([&](std::string_view line) {
        lines.emplace_back(line);
        return true;
    });
    BOOST_TEST(s.add("{\"a\""));
    BOOST_TEST(lines.empty());
    BOOST_TEST(s.add(":1}\n"));
    BOOST_TEST(lines.size() == 1);
}

BOOST_AUTO_TEST_CASE(sink_that_wants_no_more_gets_no_more)
{
    int lines = 0;
    line_splitter s([&](std::string_view) { return ++lines < 2; });
    BOOST_TEST(!s.add("1\n2\n3\n"));
    BOOST_TEST(lines == 2);
}

BOOST_AUTO_TEST_CASE(endless_line_is_refused)
{
    line_splitter s([](std::string_view) { return true; });
    const std::string piece(1 << 20, 'x');
    bool more = true;
    int pieces = 0;
    for (; more && pieces < 20; ++pieces)
        more = s.add(piece);
    BOOST_TEST(!more);
    BOOST_TEST(pieces == 9);
}

BOOST_AUTO_TEST_SUITE_END()
