#include "engine/server/config/server_config.hpp"
#include "engine/server/log/log.hpp"
#include "engine/server/log/log_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

#include <unistd.h>

using namespace potoo;
using namespace potoo::server;

namespace {

struct written
{
    std::string text;
    bool takes = true;
    server::log log;

    explicit written(log_format format, bool to_journald = false, log_level least = log_level::info)
        : log(
              {format, least, to_journald},
              [this](std::string_view line) {
                  if (takes)
                      text += line;
                  return takes;
              },
              [] { return wall_time(std::chrono::milliseconds(1'795'248'000'123)); })
    {}
};

} // namespace

BOOST_AUTO_TEST_SUITE(logs)

BOOST_AUTO_TEST_CASE(text_has_time_level_message_and_fields)
{
    written w(log_format::text);
    w.log.warning("a run has failed", {{"run", json::value("r1")}, {"name", json::value("two words")}, {"n", 3}});
    BOOST_TEST(w.text == "2026-11-21T08:00:00.123Z warning a run has failed run=r1 name=\"two words\" n=3\n");
}

BOOST_AUTO_TEST_CASE(json_is_one_object_a_line)
{
    written w(log_format::json);
    w.log.error("line\nbreak", {{"run", json::value("r\"1")}});
    BOOST_TEST(w.text == R"({"at":"2026-11-21T08:00:00.123Z","level":"error","message":"line\nbreak","run":"r\"1"})"
                         "\n");
}

BOOST_AUTO_TEST_CASE(record_cannot_be_forged_by_what_it_quotes)
{
    written w(log_format::text);
    w.log.info("path /\n2026 error forged\x1b[2J", {{"peer", json::value("a\nb")}});
    BOOST_TEST(std::count(w.text.begin(), w.text.end(), '\n') == 1);
    BOOST_TEST(w.text.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(journald_gets_priorities_and_its_own_time)
{
    written w(log_format::text, true);
    w.log.error("x");
    w.log.info("y");
    BOOST_TEST(w.text == "<3>x\n<6>y\n");
}

BOOST_AUTO_TEST_CASE(less_important_records_are_dropped)
{
    written w(log_format::text, true);
    w.log.debug("x");
    BOOST_TEST(w.text.empty());
    w.log.set_least(log_level::debug);
    w.log.debug("x");
    BOOST_TEST(w.text == "<7>x\n");
}

BOOST_AUTO_TEST_CASE(lost_lines_are_counted)
{
    written w(log_format::text, true);
    w.takes = false;
    w.log.info("a");
    w.log.info("b");
    w.takes = true;
    w.log.info("c");
    BOOST_TEST(w.text == "<4>2 lines of the log were lost: nobody has read it\n<6>c\n");
}

BOOST_AUTO_TEST_CASE(reader_that_stalls_holds_nobody_up)
{
    int ends[2];
    BOOST_TEST_REQUIRE(::pipe(ends) == 0);
    log_stream stream(ends[1], 4096);
    const std::string line = std::string(99, 'x') + '\n';
    std::size_t taken = 0;
    while (stream.write(line))
        ++taken;
    BOOST_TEST(taken * line.size() > 4096u);
    std::string piece(1 << 20, '\0');
    std::string all;
    const auto drain = [&] {
        const ssize_t n = ::read(ends[0], piece.data(), piece.size());
        all.append(piece, 0, n > 0 ? static_cast<std::size_t>(n) : 0);
    };
    drain();
    BOOST_TEST(stream.write("end\n"));
    drain();
    BOOST_TEST(all.size() == taken * line.size() + 4);
    BOOST_TEST(all.ends_with("x\nend\n"));
    ::close(ends[0]);
    ::close(ends[1]);
}

BOOST_AUTO_TEST_SUITE_END()
