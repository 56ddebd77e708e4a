#pragma once
// A client on a real loop, as tests of the network use it.

#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "tests/integration/net/scripted_server.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace potoo::test {

using http_result = boost::system::result<http_response>;
using exchange = runner<http_result>;

inline http_request request_to(std::string url, std::string method = "GET", std::string body = {})
{
    http_request r;
    r.url = std::move(url);
    r.method = std::move(method);
    r.body = std::move(body);
    return r;
}

struct client_fixture
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    net::beast_http_client client;

    explicit client_fixture(http_options options = {}, net::proxy_settings proxies = {},
                            duration keeping = net::beast_http_client::usual_keeping)
        : client(loop, std::move(options), std::move(proxies), keeping)
    {}

    /// Runs the loop until the task has ended.
    template <class T>
    void finish(runner<T>& r)
    {
        context.restart();
        while (!r.ended())
            BOOST_TEST_REQUIRE(context.run_one() == 1u, "the task waits for nothing");
    }

    http_result send(http_request request)
    {
        exchange e(loop, client.send(std::move(request)));
        finish(e);
        return e.take();
    }

    http_result get(std::string url) { return send(request_to(std::move(url))); }

    /// Past the next so many milliseconds.
    steady_time soon(int ms = 300) { return loop.now() + std::chrono::milliseconds(ms); }
};

inline bool failed_with(const http_result& r, http_error e)
{
    if (r.has_error() && r.error() == e)
        return true;
    BOOST_TEST_MESSAGE("got " << (r ? std::to_string(r->status) : r.error().message()));
    return false;
}

} // namespace potoo::test
