#include "engine/web/websocket_frames.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo::web;
using kind = frame_event::kind;

namespace {

/// As a client sends it.
std::string frame(unsigned first_byte, std::string_view payload)
{
    std::string head = frame_head(frame_code::text, payload.size());
    head[0] = static_cast<char>(first_byte);
    head[1] = static_cast<char>(static_cast<unsigned char>(head[1]) | 0x80U);
    const std::string mask = "\x01\x82\x03\xf4";
    std::string out = head + mask;
    for (std::size_t i = 0; i < payload.size(); ++i)
        out += static_cast<char>(payload[i] ^ mask[i % 4]);
    return out;
}

frame_event read(std::string_view bytes, std::size_t limit = 70'000)
{
    frame_reader reader(limit);
    frame_event e;
    do {
        std::size_t used = 0;
        e = reader.next(bytes, used);
        bytes.remove_prefix(used);
    } while (e.what == kind::part);
    return e;
}

bool violates(std::string_view bytes, unsigned code)
{
    const frame_event e = read(bytes);
    BOOST_TEST_MESSAGE(static_cast<int>(e.what) << " " << e.code << " " << e.payload);
    return e.what == kind::violation && e.code == code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(websocket_frames)

BOOST_AUTO_TEST_CASE(message_of_any_length_is_read)
{
    for (const std::size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 70'000}) {
        const std::string message(size, 'm');
        const frame_event e = read(frame(0x81, message));
        BOOST_TEST((e.what == kind::text), size);
        BOOST_TEST(e.payload == message);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_before_the_frame_has_come)
{
    const std::string whole = frame(0x81, std::string(300, 'm'));
    frame_reader reader(1'000);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        std::size_t used = 0;
        BOOST_TEST((reader.next(std::string_view(whole).substr(0, n), used).what == kind::nothing));
        BOOST_TEST(used == 0u);
    }
}

BOOST_AUTO_TEST_CASE(pieces_make_one_message_with_control_frames_between)
{
    frame_reader reader(100);
    std::string bytes = frame(0x01, "a\xc3") + frame(0x89, "ping") + frame(0x80, "\xa4z");
    std::vector<kind> kinds;
    std::string text;
    for (std::size_t used = 1; !bytes.empty() && used > 0; bytes.erase(0, used)) {
        const frame_event e = reader.next(bytes, used);
        kinds.push_back(e.what);
        text = e.payload;
    }
    BOOST_TEST((kinds == std::vector<kind>{kind::part, kind::ping, kind::text}));
    BOOST_TEST(text == "aäz");
}

BOOST_AUTO_TEST_CASE(close_has_a_code_or_none)
{
    BOOST_TEST(read(frame(0x88, "")).code == 0u);
    const frame_event e = read(frame(0x88, "\x03\xe9gone"));
    BOOST_TEST((e.what == kind::closed));
    BOOST_TEST(e.code == 1001u);
    BOOST_TEST(e.payload == "gone");
    BOOST_TEST(violates(frame(0x88, "\x03"), close_code::protocol_error));
    BOOST_TEST(violates(frame(0x88, "\x03\xed"), close_code::protocol_error)); // 1005
    BOOST_TEST(violates(frame(0x88, "\x03\xe8\xff"), close_code::bad_text));
}

BOOST_AUTO_TEST_CASE(violations_are_told_apart)
{
    std::string unmasked = frame_head(frame_code::text, 1) + "x";
    BOOST_TEST(violates(unmasked, close_code::protocol_error));
    BOOST_TEST(violates(frame(0xc1, "x"), close_code::protocol_error)); // a reserved bit
    BOOST_TEST(violates(frame(0x83, "x"), close_code::protocol_error)); // an unknown code
    BOOST_TEST(violates(frame(0x09, "x"), close_code::protocol_error)); // a ping in pieces
    BOOST_TEST(violates(frame(0x89, std::string(126, 'x')), close_code::protocol_error));
    BOOST_TEST(violates(frame(0x80, "x"), close_code::protocol_error)); // the rest of nothing
    BOOST_TEST(violates(frame(0x01, "x") + frame(0x81, "y"), close_code::protocol_error));
    BOOST_TEST(violates(frame(0x82, "x"), close_code::not_text));
    BOOST_TEST(violates(frame(0x81, "\xff"), close_code::bad_text));
    BOOST_TEST(violates(frame(0x81, std::string(70'001, 'x')), close_code::too_big));
    BOOST_TEST(
        violates(frame(0x01, std::string(60'000, 'x')) + frame(0x80, std::string(10'001, 'x')), close_code::too_big));
}

BOOST_AUTO_TEST_CASE(length_is_written_as_short_as_it_can_be)
{
    using namespace std::string_literals;
    BOOST_TEST(violates("\x81\xfe\x00\x05"s, close_code::protocol_error));
    BOOST_TEST(violates("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"s, close_code::protocol_error));
    BOOST_TEST(violates("\x81\xff\x80\x00\x00\x00\x00\x01\x00\x00"s, close_code::protocol_error));
    BOOST_TEST(violates("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s, close_code::too_big));
}

BOOST_AUTO_TEST_CASE(reason_is_cut_between_characters)
{
    std::string reason(122, 'x');
    reason += "ä";
    const std::string frame = close_frame(close_code::normal, reason);
    BOOST_TEST(frame.size() == 2 + 2 + 122u);
}

BOOST_AUTO_TEST_SUITE_END()
