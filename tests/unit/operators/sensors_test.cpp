#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <unistd.h>

using namespace potoo;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// A directory of its own for each test.
class scratch
{
  public:
    scratch()
    {
        std::string pattern = (fs::temp_directory_path() / "potoo-sensor-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("no scratch directory");
        path_ = pattern;
    }

    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    ~scratch() { fs::remove_all(path_); }

    [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

  private:
    fs::path path_;
};

void write(const std::string& path, std::string_view text)
{
    std::ofstream(path) << text;
}

struct file_fixture : test::operator_fixture
{
    scratch dir;

    test::fake_context& make(json::object with)
    {
        made = std::make_unique<test::fake_context>(loop, "file_sensor", json::serialize(with));
        return *made;
    }

    std::unique_ptr<test::fake_context> made;
};

struct virtual_fixture : test::fixture
{
    test::scripted_http client;

    json::value perform(const char* sensor, const char* with)
    {
        test::fake_context ctx(loop, sensor, with);
        ctx.client = &client;
        return run(ctx.perform());
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(file_sensor, file_fixture)

BOOST_AUTO_TEST_CASE(file_that_is_there_is_found_at_once)
{
    write(dir / "a", "12345");
    const auto found = run(make({{"path", dir / "a"}}).perform());
    BOOST_TEST(found.at("size") == json::value(5));
    BOOST_TEST(found.at("exists") == json::value(true));
}

// The interval of an hour shows that the directory's events wake it.
BOOST_AUTO_TEST_CASE(file_that_appears_grows_or_goes_is_seen_without_a_poll)
{
    const std::string path = dir / "a";
    test::started_task<json::value> appears(loop, make({{"path", path}, {"interval", "1h"}}).perform());
    asio::post(context, [&] { write(path, "1"); });
    BOOST_TEST(finish(appears).at("size") == json::value(1));

    test::started_task<json::value> grows(loop, make({{"path", path}, {"interval", "1h"}, {"min_size", 3}}).perform());
    asio::post(context, [&] { write(path, "123"); });
    BOOST_TEST(finish(grows).at("size") == json::value(3));

    test::started_task<json::value> goes(loop, make({{"path", path}, {"interval", "1h"}, {"exists", false}}).perform());
    asio::post(context, [&] { fs::remove(path); });
    BOOST_TEST(finish(goes).at("exists") == json::value(false));
}

BOOST_AUTO_TEST_CASE(file_in_a_directory_that_is_not_there_yet_is_found_by_polling)
{
    const std::string directory = dir / "later";
    test::started_task<json::value> t(loop, make({{"path", directory + "/a"}, {"interval", "20ms"}}).perform());
    asio::post(context, [&] {
        fs::create_directory(directory);
        write(directory + "/a", "1");
    });
    BOOST_TEST(finish(t).at("size") == json::value(1));
}

BOOST_AUTO_TEST_CASE(file_that_never_comes_times_out_softly_if_asked)
{
    auto& hard = make({{"path", dir / "a"}, {"timeout", "30ms"}});
    BOOST_CHECK_THROW(run(hard.perform()), failure);
    auto& soft = make({{"path", dir / "a"}, {"timeout", "30ms"}, {"soft_fail", true}});
    BOOST_CHECK_THROW(run(soft.perform()), skip);
}

BOOST_AUTO_TEST_CASE(stopped_sensor_leaves_nothing_behind)
{
    test::started_task<json::value> t(loop, make({{"path", dir / "a"}, {"interval", "1h"}}).perform());
    context.poll();
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(loop.timers() == 0u);
    {
        test::started_task<json::value> destroyed(loop, make({{"path", dir / "a"}, {"interval", "1h"}}).perform());
        context.restart();
        context.poll();
    }
    context.restart();
    context.poll();
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(bad_input_of_a_file_sensor_is_refused)
{
    auto& senseless = make({{"path", "a"}, {"exists", false}, {"min_size", 1}});
    BOOST_CHECK_THROW(run(senseless.perform()), fatal);
    BOOST_CHECK_THROW(make({{"file", "a"}}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(other_sensors, virtual_fixture)

BOOST_AUTO_TEST_CASE(http_sensor_waits_until_its_condition_holds)
{
    client.reply = [this](const http_request&) -> test::scripted_http::answer {
        switch (client.requests.size()) {
        case 1:
            return make_error_code(http_error::connect_failed);
        case 2:
            return test::scripted_http::json(503, "{}");
        case 3:
            return test::scripted_http::json(200, "{broken");
        case 4:
            return test::scripted_http::json(200, R"({"n": 1})");
        default:
            return test::scripted_http::json(200, R"({"n": 2})");
        }
    };
    const auto found = perform("http_sensor", R"({"url": "http://s/", "condition": "${{ response.body.n == 2 }}"})");
    BOOST_TEST(found.at("body").at("n") == json::value(2));
    BOOST_TEST(client.requests.size() == 5u);
}

BOOST_AUTO_TEST_CASE(http_sensor_without_condition_waits_for_success)
{
    client.reply = [this](const http_request&) {
        return test::scripted_http::json(client.requests.size() < 3 ? 404 : 204, "");
    };
    BOOST_TEST(perform("http_sensor", R"({"url": "http://s/"})").at("status") == json::value(204));
}

BOOST_AUTO_TEST_CASE(http_sensor_with_a_senseless_condition_fails)
{
    client.reply = [](const http_request&) { return test::scripted_http::json(200, R"({"n": 1})"); };
    BOOST_CHECK_THROW(perform("http_sensor", R"({"url": "http://s/", "condition": "${{ response.body.n }}"})"), fatal);
    BOOST_CHECK_THROW(perform("http_sensor", R"({"url": "http://s/", "condition": "${{ response.body.n.m.k }}"})"),
                      fatal);
    BOOST_TEST(client.requests.size() == 2u);
}

BOOST_AUTO_TEST_CASE(time_sensor_waits_for_a_while_and_until_a_time)
{
    perform("time_sensor", R"({"for": "90m"})");
    BOOST_CHECK(loop.elapsed() >= 90min);
    BOOST_CHECK(loop.elapsed() < 90min + 1s);
    perform("time_sensor", R"({"until": "2026-01-01T03:00:00Z"})");
    BOOST_CHECK(loop.elapsed() >= 3h);
    BOOST_CHECK(loop.elapsed() < 3h + 1s);
    const auto before = loop.elapsed();
    perform("time_sensor", R"({"until": "2020-01-01T00:00:00Z"})");
    BOOST_CHECK(loop.elapsed() == before);
}

BOOST_AUTO_TEST_CASE(time_sensor_goes_on_with_its_wait_after_a_restart)
{
    test::fake_context ctx(loop, "time_sensor", R"({"for": "2h"})");
    ctx.history = {{"until", "2026-01-01T00:30:00.000Z"}};
    run(ctx.perform());
    BOOST_CHECK(loop.elapsed() >= 30min);
    BOOST_CHECK(loop.elapsed() < 31min);
}

BOOST_AUTO_TEST_CASE(time_sensor_refuses_what_is_no_time)
{
    BOOST_CHECK_THROW(perform("time_sensor", R"({"until": "tomorrow"})"), fatal);
    BOOST_CHECK_THROW(perform("time_sensor", R"({"for": "long"})"), fatal);
    BOOST_CHECK_THROW(perform("time_sensor", R"({})"), std::invalid_argument);
    BOOST_CHECK_THROW(perform("time_sensor", R"({"for": "1s", "until": "2026-01-01T03:00:00Z"})"),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(tcp_sensor, test::operator_fixture)

BOOST_AUTO_TEST_CASE(port_that_is_opened_later_is_found)
{
    asio::ip::tcp::acceptor acceptor(context);
    asio::ip::tcp::endpoint free_port;
    {
        asio::ip::tcp::acceptor probe(context, {asio::ip::address_v4::loopback(), 0});
        free_port = probe.local_endpoint();
    }
    test::fake_context ctx(
        loop, "tcp_sensor",
        json::serialize(json::object{{"host", "127.0.0.1"}, {"port", free_port.port()}, {"interval", "20ms"}}));
    test::started_task<json::value> t(loop, ctx.perform());
    while (ctx.lines.empty() && context.run_one() != 0) {}
    acceptor.open(free_port.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(free_port);
    acceptor.listen();
    BOOST_TEST(finish(t).at("port") == json::value(free_port.port()));
    BOOST_TEST(ctx.lines.size() == 1u);
}

BOOST_AUTO_TEST_CASE(port_that_stays_closed_times_out)
{
    asio::ip::tcp::acceptor bound(context);
    bound.open(asio::ip::tcp::v4());
    bound.bind({asio::ip::address_v4::loopback(), 0});
    test::fake_context ctx(loop, "tcp_sensor",
                           json::serialize(json::object{{"host", "127.0.0.1"},
                                                        {"port", bound.local_endpoint().port()},
                                                        {"interval", "10ms"},
                                                        {"timeout", "60ms"}}));
    BOOST_CHECK_EXCEPTION(run(ctx.perform()), failure, [](const failure& f) { return f.code() == "timed_out"; });
    BOOST_CHECK_THROW(test::fake_context(loop, "tcp_sensor", R"({"host": "h", "port": 0})"), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
