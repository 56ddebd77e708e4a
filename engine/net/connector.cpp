#include "engine/net/connector.hpp"

#include "engine/net/request_head.hpp"

#include <potoo/concurrency.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace potoo::net {
namespace {

std::string place(const std::string& host, std::uint16_t port)
{
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string place(const endpoint& e)
{
    if (e.data()->sa_family == AF_UNIX)
        return "the socket";
    boost::asio::ip::tcp::endpoint tcp;
    tcp.resize(e.size());
    std::copy_n(reinterpret_cast<const char*>(e.data()), e.size(), reinterpret_cast<char*>(tcp.data()));
    return place(tcp.address().to_string(), tcp.port());
}

} // namespace

or_problem<const tls_context*> connector::context()
{
    if (!context_) {
        auto made = tls_context::make(options_);
        if (!made)
            return made.error();
        context_ = std::move(*made);
    }
    return static_cast<const tls_context*>(context_.get());
}

problem connector::too_late(steady_time deadline)
{
    if (loop_.now() >= deadline)
        return {http_error::timed_out_before_send, "the deadline passed before there was a connection"};
    return {http_error::connect_failed, fmt::format("no connection within {} ms", options_.connect_timeout.count())};
}

task<or_problem<endpoints>> connector::addresses(const std::string& host, std::uint16_t port, steady_time limit,
                                                 steady_time deadline)
{
    auto question = resolver_.resolve(host, port);
    auto answer = co_await in_time(std::move(question), limit);
    if (!answer)
        co_return too_late(deadline);
    co_return std::move(*answer);
}

task<or_problem<void>> connector::connect_first(connection& c, const route& to, steady_time limit, steady_time deadline)
{
    const std::string& host = to.via ? to.via->host : to.to.host;
    const std::uint16_t port = to.via ? to.via->port : to.to.port;
    endpoints targets;
    if (to.to.transport == transport::unix_socket) {
        targets.emplace_back(boost::asio::local::stream_protocol::endpoint(to.to.host));
    } else {
        auto found = co_await addresses(host, port, limit, deadline);
        if (!found)
            co_return found.error();
        targets = std::move(*found);
    }
    std::string failures;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        // A fair share of the time for each, so that an address that swallows packets does not hide a good one.
        const steady_time now = loop_.now();
        const auto left = static_cast<steady_clock::rep>(targets.size() - i);
        c.limit(limit == steady_time::max() ? limit : now + (limit - now) / left);
        const auto ec = co_await c.connect(targets[i]);
        if (!ec)
            co_return or_problem<void>();
        failures += fmt::format("{}cannot connect to {}: {}", failures.empty() ? "" : "; ", place(targets[i]),
                                c.timed_out() ? "no answer in time" : ec.message());
        if (loop_.now() >= limit)
            break;
    }
    resolver_.forget(host, port);
    if (loop_.now() >= deadline)
        co_return too_late(deadline);
    co_return problem(http_error::connect_failed, std::move(failures));
}

task<or_problem<void>> connector::tunnel(connection& c, const route& to)
{
    std::string head;
    write_connect(to.to, to.via->authorization, head);
    reading_rules rules;
    rules.expect_body = false;
    auto answer = co_await c.exchange(head, {}, rules);
    const std::string proxy_name = place(to.via->host, to.via->port);
    if (!answer)
        co_return problem(http_error::proxy_failed,
                          fmt::format("the proxy {} made no tunnel: {}", proxy_name, answer.error().detail));
    if (answer->status / 100 != 2)
        co_return problem(http_error::proxy_failed,
                          fmt::format("the proxy {} refused a tunnel with status {}", proxy_name, answer->status));
    co_return or_problem<void>();
}

task<or_problem<std::unique_ptr<connection>>> connector::open(const route& to, steady_time deadline)
{
    const bool tls = to.to.transport == transport::tls;
    const tls_context* tls_rules = nullptr;
    if (tls) {
        auto made = context();
        if (!made)
            co_return made.error();
        tls_rules = *made;
    }
    const steady_time now = loop_.now();
    const bool unlimited = options_.connect_timeout >= steady_time::max() - now;
    const steady_time limit = std::min(deadline, unlimited ? steady_time::max() : now + options_.connect_timeout);
    auto c = std::make_unique<connection>(loop_);
    auto connected = co_await connect_first(*c, to, limit, deadline);
    if (!connected)
        co_return connected.error();
    ++opened_;
    c->limit(limit);
    if (tls && to.via) {
        auto tunnelled = co_await tunnel(*c, to);
        if (!tunnelled)
            co_return c->timed_out() ? too_late(deadline) : tunnelled.error();
    }
    if (tls) {
        auto secured = co_await c->secure(*tls_rules, options_.server_name.empty() ? to.to.host : options_.server_name);
        if (!secured)
            co_return c->timed_out() ? too_late(deadline) : secured.error();
    }
    co_return c;
}

} // namespace potoo::net
