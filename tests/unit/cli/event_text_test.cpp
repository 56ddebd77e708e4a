#include "engine/cli/remote/event_text.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace potoo::cli;

namespace {

std::vector<stream_message> read(const std::vector<std::string>& pieces)
{
    event_text text;
    std::vector<stream_message> out;
    for (const std::string& p : pieces)
        BOOST_TEST(text.add(p, [&](const stream_message& m) {
            out.push_back(m);
            return true;
        }));
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_texts)

BOOST_AUTO_TEST_CASE(message_is_the_same_however_it_is_cut)
{
    const std::string whole = ": hello\n\nid: 17\nevent: end\ndata: {\"a\":\ndata: 1}\n\nid: 18\ndata: x\n\n";
    std::vector<std::string> bytes;
    for (const char c : whole)
        bytes.emplace_back(1, c);
    for (const auto& pieces : {std::vector<std::string>{whole}, bytes}) {
        const auto messages = read(pieces);
        BOOST_REQUIRE(messages.size() == 2);
        BOOST_TEST(messages[0].id == "17");
        BOOST_TEST(messages[0].event == "end");
        BOOST_TEST(messages[0].data == "{\"a\":\n1}");
        BOOST_TEST(messages[1].id == "18");
        BOOST_TEST(messages[1].event.empty());
        BOOST_TEST(messages[1].data == "x");
    }
}

BOOST_AUTO_TEST_CASE(lines_end_as_the_standard_allows)
{
    const auto messages = read({"data: a\r\n\r", "\ndata:b\r\rdata\n\n"});
    BOOST_REQUIRE(messages.size() == 3);
    BOOST_TEST(messages[0].data == "a");
    BOOST_TEST(messages[1].data == "b");
    BOOST_TEST(messages[2].data.empty());
}

BOOST_AUTO_TEST_CASE(id_stays_until_there_is_another)
{
    const auto messages = read({"id: 5\ndata: a\n\ndata: b\n\n"});
    BOOST_REQUIRE(messages.size() == 2);
    BOOST_TEST(messages[1].id == "5");
}

BOOST_AUTO_TEST_CASE(half_a_message_is_none)
{
    BOOST_TEST(read({"data: a\n"}).empty());
    BOOST_TEST(read({"id: 5\n\n"}).empty());
}

BOOST_AUTO_TEST_CASE(sink_that_has_enough_gets_no_more)
{
    event_text text;
    int seen = 0;
    BOOST_TEST(!text.add("data: a\n\ndata: b\n\n", [&](const stream_message&) { return ++seen == 0; }));
    BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_CASE(message_without_an_end_is_refused)
{
    event_text text;
    const std::string piece(1'000'000, 'x');
    bool more = true;
    for (int i = 0; i < 100 && more; ++i)
        more = text.add(piece, [](const stream_message&) { return true; });
    BOOST_TEST(!more);
}

BOOST_AUTO_TEST_SUITE_END()
