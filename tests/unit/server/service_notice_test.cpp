#include "engine/loop/virtual_loop.hpp"
#include "engine/server/metrics/service_notice.hpp"
#include "tests/unit/host/scratch_state.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace potoo;
using namespace potoo::server;
using namespace std::chrono_literals;

namespace {

/// As systemd listens.
class listener
{
  public:
    explicit listener(std::string name)
        : name_(std::move(name)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name_.data(), name_.size());
        if (name_[0] == '@')
            address.sun_path[0] = '\0';
        BOOST_TEST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address),
                                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())) == 0);
    }

    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    ~listener() { ::close(socket_); }

    /// Empty when there is none.
    std::string next()
    {
        std::array<char, 1'000> room{};
        const auto n = ::recv(socket_, room.data(), room.size(), 0);
        return n < 0 ? std::string() : std::string(room.data(), static_cast<std::size_t>(n));
    }

  private:
    std::string name_;
    int socket_;
};

struct world : host::test::scratch_state
{
    std::string socket = (path() / "notify").string();
    listener systemd{socket};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(service_notices, world)

BOOST_AUTO_TEST_CASE(life_of_a_service_is_told)
{
    const service_notice n(socket);
    n.ready("serving on 127.0.0.1:8080");
    BOOST_TEST(systemd.next() == "READY=1\nSTATUS=serving on 127.0.0.1:8080");
    n.status("two\nlines=1");
    BOOST_TEST(systemd.next() == "STATUS=two lines=1");
    n.reloading();
    BOOST_TEST(systemd.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    n.stopping("letting go of 3 runs");
    BOOST_TEST(systemd.next() == "STOPPING=1\nSTATUS=letting go of 3 runs");
}

BOOST_AUTO_TEST_CASE(abstract_socket_is_reached)
{
    const std::string name = fmt::format("@potoo-test-{}", ::getpid());
    listener l(name);
    service_notice(name).status("x");
    BOOST_TEST(l.next() == "STATUS=x");
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_no_trouble)
{
    service_notice().ready("x");
    service_notice("/no/such/socket").ready("x");
    service_notice(std::string(500, 'x')).ready("x");
    BOOST_TEST(systemd.next().empty());
}

BOOST_AUTO_TEST_CASE(environment_is_read_once_and_not_passed_on)
{
    ::setenv("NOTIFY_SOCKET", socket.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "2000000", 1);
    ::unsetenv("WATCHDOG_PID");
    const service_notice n = service_notice::from_environment();
    BOOST_TEST(std::getenv("NOTIFY_SOCKET") == nullptr);
    BOOST_TEST(std::getenv("WATCHDOG_USEC") == nullptr);
    boost::asio::io_context context(1);
    virtual_loop l(context);
    {
        const test::runner<void> watching(l, n.keep_watchdog([] { return true; }));
        l.run(10s);
    }
    int signs = 0;
    while (systemd.next() == "WATCHDOG=1")
        ++signs;
    BOOST_TEST(signs == 11);
    BOOST_TEST(!service_notice::from_environment().wanted());
}

BOOST_AUTO_TEST_CASE(watchdog_of_another_process_is_not_ours)
{
    ::setenv("NOTIFY_SOCKET", socket.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "2000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    const service_notice n = service_notice::from_environment();
    boost::asio::io_context context(1);
    virtual_loop l(context);
    const test::runner<void> watching(l, n.keep_watchdog([] { return true; }));
    BOOST_TEST(watching.ended());
}

BOOST_AUTO_TEST_CASE(service_that_is_stuck_gives_no_sign)
{
    boost::asio::io_context context(1);
    virtual_loop l(context);
    bool healthy = true;
    const service_notice n(socket, 2s);
    const test::runner<void> watching(l, n.keep_watchdog([&] { return healthy; }));
    BOOST_TEST(systemd.next() == "WATCHDOG=1");
    healthy = false;
    l.run(20s);
    BOOST_TEST(systemd.next().empty());
}

BOOST_AUTO_TEST_SUITE_END()
