#include "engine/net/gzip.hpp"
#include "tests/unit/net/gzip_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::net;
using potoo::test::gzip;

namespace {

constexpr std::size_t no_limit = std::size_t{1} << 40;

} // namespace

BOOST_AUTO_TEST_SUITE(gunzip_stream)

BOOST_AUTO_TEST_CASE(unpacks_whatever_the_pieces)
{
    std::string text;
    for (int i = 0; i < 20000; ++i)
        text += std::to_string(i * i);
    const std::string packed = gzip(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, packed.size()}) {
        gunzip g;
        std::string out;
        for (std::size_t at = 0; at < packed.size(); at += piece)
            BOOST_REQUIRE(g.append(std::string_view(packed).substr(at, piece), out, no_limit) == gunzip::status::ok);
        BOOST_TEST(g.complete());
        BOOST_CHECK(out == text);
    }
}

BOOST_AUTO_TEST_CASE(several_members_are_one_text)
{
    gunzip g;
    std::string out;
    BOOST_CHECK(g.append(gzip("one ") + gzip("") + gzip("two"), out, no_limit) == gunzip::status::ok);
    BOOST_TEST(out == "one two");
    BOOST_TEST(g.complete());
}

BOOST_AUTO_TEST_CASE(bomb_stops_at_the_limit)
{
    gunzip g;
    std::string out;
    BOOST_CHECK(g.append(gzip(std::string(50'000'000, 'x')), out, 1000) == gunzip::status::too_large);
    BOOST_TEST(out.size() <= 1000u);
}

BOOST_AUTO_TEST_CASE(exactly_the_limit_is_allowed)
{
    gunzip g;
    std::string out;
    BOOST_CHECK(g.append(gzip(std::string(1000, 'x')), out, 1000) == gunzip::status::ok);
    BOOST_TEST(out.size() == 1000u);
}

BOOST_AUTO_TEST_CASE(what_has_come_so_far_is_passed_on)
{
    std::string text;
    for (int i = 0; i < 20000; ++i)
        text += std::to_string(i * i);
    const std::string packed = gzip(text);
    gunzip g;
    std::string out;
    const potoo::http_body_sink sink = [&](std::string_view piece) {
        out += piece;
        return true;
    };
    BOOST_CHECK(g.pass_on(std::string_view(packed).substr(0, packed.size() / 2), sink) == gunzip::status::ok);
    BOOST_TEST(out.size() > text.size() / 3);
    BOOST_TEST(!g.complete());
    BOOST_CHECK(g.pass_on(std::string_view(packed).substr(packed.size() / 2), sink) == gunzip::status::ok);
    BOOST_CHECK(out == text);
    BOOST_TEST(g.complete());
}

BOOST_AUTO_TEST_CASE(sink_that_wants_no_more_stops_a_bomb)
{
    gunzip g;
    std::size_t bytes = 0;
    const auto status = g.pass_on(gzip(std::string(50'000'000, 'x')), [&](std::string_view piece) {
        bytes += piece.size();
        return false;
    });
    BOOST_CHECK(status == gunzip::status::stopped);
    BOOST_TEST(bytes < 100'000u);
}

BOOST_AUTO_TEST_CASE(damage_is_noticed)
{
    std::string out;
    BOOST_CHECK(gunzip().append("this is no gzip at all", out, no_limit) == gunzip::status::broken);
    std::string packed = gzip("some text that is long enough to be damaged");
    packed[packed.size() - 6] ^= 0x55;
    BOOST_CHECK(gunzip().append(packed, out, no_limit) == gunzip::status::broken);
    gunzip cut;
    BOOST_CHECK(cut.append(gzip("some text").substr(0, 15), out, no_limit) == gunzip::status::ok);
    BOOST_TEST(!cut.complete());
}

BOOST_AUTO_TEST_SUITE_END()
