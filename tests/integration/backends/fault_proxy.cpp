#include "tests/integration/backends/fault_proxy.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <variant>

namespace potoo::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using request = http::request<http::string_body>;
using unix_stream = asio::local::stream_protocol::socket;
using tls_stream = asio::ssl::stream<tcp::socket>;

/// A connection to the service, of whatever kind. Blocks.
class upstream_connection
{
  public:
    upstream_connection(asio::io_context& io, const std::string& url)
    {
        if (url.starts_with("unix:")) {
            auto& s = stream_.emplace<unix_stream>(io);
            s.connect(url.substr(5));
            return;
        }
        const bool tls = url.starts_with("https://");
        const auto host_at = url.find("://") + 3;
        const auto colon = url.rfind(':');
        if (colon < host_at)
            throw std::invalid_argument("the upstream has no port: " + url);
        const auto where = tcp::resolver(io).resolve(url.substr(host_at, colon - host_at), url.substr(colon + 1));
        if (!tls) {
            asio::connect(stream_.emplace<tcp::socket>(io), where);
            return;
        }
        auto& s = stream_.emplace<tls_stream>(io, tls_);
        asio::connect(s.next_layer(), where);
        s.handshake(asio::ssl::stream_base::client);
    }

    void send(const request& r)
    {
        std::visit(
            [&](auto& s) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(s)>, std::monostate>)
                    http::write(s, r);
            },
            stream_);
    }

    /// @return 0 at the end
    std::size_t receive(asio::mutable_buffer room)
    {
        boost::system::error_code ec;
        std::size_t n = 0;
        std::visit(
            [&](auto& s) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(s)>, std::monostate>)
                    n = s.read_some(room, ec);
            },
            stream_);
        return ec ? 0 : n;
    }

    /// Ends a `receive` that another thread waits in.
    void shut_down() noexcept
    {
        boost::system::error_code ignored;
        if (auto* t = std::get_if<tcp::socket>(&stream_))
            t->shutdown(tcp::socket::shutdown_both, ignored);
        else if (auto* u = std::get_if<unix_stream>(&stream_))
            u->shutdown(unix_stream::shutdown_both, ignored);
        else if (auto* s = std::get_if<tls_stream>(&stream_))
            s->next_layer().shutdown(tcp::socket::shutdown_both, ignored);
    }

  private:
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    std::variant<std::monostate, tcp::socket, unix_stream, tls_stream> stream_;
};

} // namespace

/// A thread for each connection. Each connection carries one exchange, so that what comes back may be passed on as it
/// is.
class fault_proxy::server
{
  public:
    explicit server(std::string upstream)
        : upstream_(std::move(upstream)), acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}),
          url_(fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port())), accepting_([this] { accept(); })
    {}

    ~server()
    {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        ending_.notify_all();
        boost::system::error_code ignored;
        // Wakes the accept.
        tcp::socket(io_).connect(acceptor_.local_endpoint(), ignored);
        accepting_.join();
        {
            const std::lock_guard lock(mutex_);
            for (carrier& c : carriers_)
                c.stop();
        }
        for (carrier& c : carriers_)
            c.thread.join();
    }

    void add(rule r)
    {
        const std::lock_guard lock(mutex_);
        rules_.push_back(std::move(r));
    }

    std::vector<std::string> requests() const
    {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

    [[nodiscard]] const std::string& url() const noexcept { return url_; }

  private:
    struct carrier
    {
        explicit carrier(tcp::socket s) : client(std::move(s)) {}

        void stop() noexcept
        {
            boost::system::error_code ignored;
            client.shutdown(tcp::socket::shutdown_both, ignored);
            if (service)
                service->shut_down();
        }

        tcp::socket client;
        std::optional<upstream_connection> service;
        std::thread thread;
    };

    void accept()
    {
        while (!ended_) {
            boost::system::error_code ec;
            tcp::socket s = acceptor_.accept(ec);
            if (ec || ended_)
                continue;
            const std::lock_guard lock(mutex_);
            carrier& c = carriers_.emplace_back(std::move(s));
            c.thread = std::thread([this, &c] { carry(c); });
        }
    }

    /// The first rule for the request, used up by one.
    std::optional<rule> rule_for(std::string_view method, std::string_view target)
    {
        const std::lock_guard lock(mutex_);
        seen_.push_back(fmt::format("{} {}", method, target));
        for (rule& r : rules_) {
            if (r.times > 0 && r.applies(method, target)) {
                --r.times;
                return r;
            }
        }
        return std::nullopt;
    }

    void carry(carrier& c) noexcept
    {
        try {
            exchange(c);
        } catch (const std::exception&) {
            // One of the two sides has gone: the other is told by the end of its connection.
        }
        c.stop();
    }

    void exchange(carrier& c)
    {
        boost::beast::flat_buffer buffer;
        http::request_parser<http::string_body> parser;
        parser.body_limit(boost::none);
        http::read(c.client, buffer, parser);
        request asked = parser.release();
        const std::string method(asked.method_string());
        const std::string target(asked.target());
        const auto r = rule_for(method, target);
        if (r && r->what == fault::answers) {
            const std::string answer = fmt::format("HTTP/1.1 {}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                                                   r->answer, r->body.size(), r->body);
            asio::write(c.client, asio::buffer(answer));
            return;
        }
        if (r && r->what == fault::delays)
            pause(r->delay);
        asked.set(http::field::connection, "close");
        {
            const std::lock_guard lock(mutex_);
            c.service.emplace(io_, upstream_);
        }
        c.service->send(asked);
        pass_on(c, !(r && r->what == fault::loses));
    }

    /// Ends early when the proxy does.
    void pause(std::chrono::milliseconds delay)
    {
        std::unique_lock lock(mutex_);
        ending_.wait_for(lock, delay, [this] { return ended_.load(); });
    }

    static void pass_on(carrier& c, bool to_client)
    {
        std::array<char, 16384> room{};
        while (const std::size_t n = c.service->receive(asio::buffer(room))) {
            if (!to_client)
                return;
            // A client that has gone ends this, though not what the service was asked to do.
            asio::write(c.client, asio::buffer(room.data(), n));
        }
    }

    std::string upstream_;
    asio::io_context io_{1};
    tcp::acceptor acceptor_;
    std::string url_;
    std::atomic<bool> ended_ = false;
    mutable std::mutex mutex_;
    std::condition_variable ending_;
    std::vector<rule> rules_;
    std::vector<std::string> seen_;
    std::list<carrier> carriers_;
    std::thread accepting_;
};

fault_proxy::fault_proxy(const std::string& upstream) : server_(std::make_unique<server>(upstream)) {}

fault_proxy::~fault_proxy() = default;

const std::string& fault_proxy::url() const noexcept
{
    return server_->url();
}

void fault_proxy::add(rule r)
{
    server_->add(std::move(r));
}

std::vector<std::string> fault_proxy::requests() const
{
    return server_->requests();
}

} // namespace potoo::test
