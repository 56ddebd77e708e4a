#include "operators/docker/docker_log.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::docker;

namespace {

std::string frame(char stream, std::string_view text)
{
    std::string f{stream, 0, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8)
        f += static_cast<char>(text.size() >> shift & 0xff);
    f += text;
    return f;
}

struct reading
{
    std::string out;
    std::string err;
    bool good = true;
    bool complete = false;
};

reading read(std::string_view bytes, std::size_t piece, bool tty = false)
{
    reading r;
    log_frames frames(tty, [&](output_stream s, std::string_view text) {
        BOOST_TEST(!text.empty());
        (s == output_stream::standard_output ? r.out : r.err) += text;
    });
    while (!bytes.empty() && r.good) {
        r.good = frames.put(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    r.complete = frames.complete();
    return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(docker_log)

BOOST_AUTO_TEST_CASE(frames_are_taken_apart_whatever_the_pieces)
{
    const std::string large(70'000, 'x');
    const std::string bytes = frame(1, "out\n") + frame(2, "err\n") + frame(1, "") + frame(1, large) + frame(2, "!");
    for (const std::size_t piece : {1, 3, 8, 9, 4096, 1'000'000}) {
        const reading r = read(bytes, piece);
        BOOST_TEST(r.good);
        BOOST_TEST(r.complete);
        BOOST_CHECK(r.out == "out\n" + large);
        BOOST_TEST(r.err == "err\n!");
    }
}

BOOST_AUTO_TEST_CASE(what_the_engine_says_itself_is_an_error)
{
    BOOST_TEST(read(frame(3, "cannot go on"), 5).err == "cannot go on");
    BOOST_TEST(read(frame(0, "typed"), 5).out == "typed");
}

BOOST_AUTO_TEST_CASE(terminal_has_no_frames)
{
    const reading r = read("\x01\x02 plain\r\n", 3, true);
    BOOST_TEST(r.out == "\x01\x02 plain\r\n");
    BOOST_TEST(r.complete);
}

BOOST_AUTO_TEST_CASE(frame_that_is_cut_off_is_not_complete)
{
    BOOST_TEST(!read(frame(1, "hello").substr(0, 5), 100).complete);
    const reading cut = read(frame(1, "hello").substr(0, 10), 100);
    BOOST_TEST(!cut.complete);
    BOOST_TEST(cut.out == "he");
}

BOOST_AUTO_TEST_CASE(what_is_no_frame_is_refused)
{
    BOOST_TEST(!read("{\"message\": \"no\"}", 100).good);
    BOOST_TEST(!read(std::string("\x04\0\0\0\0\0\0\1x", 9), 100).good);
    BOOST_TEST(!read(std::string("\x01\0\1\0\0\0\0\1x", 9), 2).good);
}

BOOST_AUTO_TEST_SUITE_END()
