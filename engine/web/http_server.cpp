#include "engine/web/http_server.hpp"

#include "engine/web/listen_address.hpp"
#include "engine/web/server_core.hpp"
#include "engine/web/session.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <system_error>

namespace potoo::web {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// After an `accept` that failed for want of descriptors.
constexpr std::chrono::milliseconds accept_again{200};
/// For a stream whose source ends since the server stops: its last message still gets out.
constexpr std::chrono::seconds time_for_last_words{1};

std::unique_ptr<net::tls_context> load_certificate(const server_options& options)
{
    if (options.certificate_file.empty() && options.key_file.empty())
        return nullptr;
    http_options files;
    files.certificate_file = options.certificate_file;
    files.key_file = options.key_file;
    auto made = net::tls_context::make_server(files);
    if (!made)
        throw std::runtime_error(made.error().detail);
    return std::move(*made);
}

} // namespace

struct http_server::parts final : timer_node
{
    parts(potoo::loop& l, handler& h, server_options o);

    ~parts() { core.loop.disarm(*this); }

    void listen();
    void accept();
    void accepted(transport::socket_type s);
    void turn_away(transport::socket_type s, std::string_view why);
    [[nodiscard]] bool has_too_many(const asio::ip::address& peer) const;
    bool make_room();
    void forget(session& s);
    void stop_accepting();

    void on_due() override { accept(); }

    server_core core;
    std::unique_ptr<net::tls_context> tls; ///< null: in the clear
    asio::basic_socket_acceptor<tcp, potoo::loop::executor_type> acceptor;
    std::string address;
    std::map<asio::ip::address, std::size_t> peers; ///< how many connections of each
    std::map<session*, std::unique_ptr<session>> sessions;
    counter ended;
    std::uint64_t begun = 0;
    /// For the handler of an `accept`, which may outlive this: null by then.
    std::shared_ptr<parts*> self = std::make_shared<parts*>(this);
};

http_server::parts::parts(potoo::loop& l, handler& h, server_options o)
    : core(l, h, std::move(o)), tls(load_certificate(core.options)), acceptor(l.executor())
{}

void http_server::parts::listen()
{
    const tcp::endpoint endpoint = parse_listen_address(core.options.listen);
    try {
        acceptor.open(endpoint.protocol());
        acceptor.set_option(asio::socket_base::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen(asio::socket_base::max_listen_connections);
    } catch (const boost::system::system_error& e) {
        throw std::system_error(
            e.code(), fmt::format("cannot listen on {} (is another program listening there? give another address, or "
                                  "port 0 for any free one)",
                                  core.options.listen));
    }
    address = to_text(acceptor.local_endpoint());
    accept();
}

void http_server::parts::accept()
{
    acceptor.async_accept([me = self](error_code ec, transport::socket_type s) {
        if (!*me || !(*me)->acceptor.is_open())
            return;
        if (ec) {
            (*me)->core.loop.arm(**me, (*me)->core.after(accept_again));
            return;
        }
        (*me)->accepted(std::move(s));
        (*me)->accept();
    });
}

void http_server::parts::accepted(transport::socket_type s)
{
    error_code ec;
    const auto endpoint = s.remote_endpoint(ec);
    if (ec) // it has gone already
        return;
    const auto peer = plain(endpoint.address());
    if (has_too_many(peer))
        return turn_away(std::move(s), "too many connections from your address are open; close some");
    if (sessions.size() >= core.options.limits.connections && !make_room())
        return turn_away(std::move(s), "too many connections are open; try again later");
    ++core.stats.accepted;
    ++begun;
    ++peers[peer];
    auto made = std::make_unique<session>(core, std::move(s), tls.get(), peer, [this](session& gone) { forget(gone); });
    session& added = *made;
    sessions.emplace(&added, std::move(made));
    core.stats.open = sessions.size();
    added.start();
}

bool http_server::parts::has_too_many(const asio::ip::address& peer) const
{
    const std::size_t most = core.options.limits.connections_of_one_peer;
    const auto known = peers.find(peer);
    return most != 0 && known != peers.end() && known->second >= most && !core.trusted.contains(peer);
}

/// Ends the connection that has asked nothing for longest, so that nobody keeps others out by holding connections that
/// it does not use. @return false when there is none
bool http_server::parts::make_room()
{
    session* oldest = nullptr;
    steady_time since = steady_time::max();
    for (const auto& [s, owned] : sessions) {
        const auto waiting = s->waiting_since();
        if (!waiting || *waiting >= since)
            continue;
        oldest = s;
        since = *waiting;
    }
    if (oldest)
        oldest->take_leave();
    return oldest != nullptr;
}

/// Says so, as far as it can be said without waiting for anybody.
void http_server::parts::turn_away(transport::socket_type s, std::string_view why)
{
    ++core.stats.refused;
    const reply r = core.unavailable(why);
    std::string text;
    if (!tls && write_reply_head(r, {framing::length, false, core.loop.wall_now()}, text)) {
        transport t(core.loop, std::move(s), nullptr);
        t.write_now(text + r.body);
        t.end_writing();
    }
}

void http_server::parts::forget(session& s)
{
    const auto of_peer = peers.find(s.peer());
    if (--of_peer->second == 0)
        peers.erase(of_peer);
    sessions.erase(&s);
    core.stats.open = sessions.size();
    ended.increment();
}

void http_server::parts::stop_accepting()
{
    core.draining = true;
    core.loop.disarm(*this);
    error_code ignored;
    acceptor.close(ignored);
}

http_server::http_server(potoo::loop& l, handler& h, server_options options)
    : parts_(std::make_shared<parts>(l, h, std::move(options)))
{
    parts_->listen();
}

http_server::~http_server()
{
    parts_->stop_accepting();
    parts_->sessions.clear();
    *parts_->self = nullptr;
}

std::string http_server::address() const
{
    return parts_->address;
}

server_stats http_server::stats() const noexcept
{
    return parts_->core.stats;
}

void http_server::reload_certificate()
{
    if (auto renewed = load_certificate(parts_->core.options))
        parts_->tls = std::move(renewed);
}

namespace {

task<> until(counter& c, std::uint64_t n)
{
    co_await c.reached(n);
}

} // namespace

task<> http_server::drain(steady_time deadline)
{
    const auto p = parts_;
    p->stop_accepting();
    for (const auto& [s, owned] : p->sessions)
        s->take_leave();
    auto streams_ended = until(p->ended, p->begun);
    co_await in_time(std::move(streams_ended), std::min(deadline, p->core.after(time_for_last_words)));
    for (const auto& [s, owned] : p->sessions)
        s->cut_off();
    auto all_ended = until(p->ended, p->begun);
    co_await in_time(std::move(all_ended), deadline);
    p->sessions.clear();
    p->core.stats.open = 0;
}

} // namespace potoo::web
