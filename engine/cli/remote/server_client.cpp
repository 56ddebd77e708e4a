#include "engine/cli/remote/server_client.hpp"

#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"

#include <potoo/asio.hpp>
#include <potoo/http.hpp>
#include <potoo/json_members.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace potoo::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds time_to_answer{60};
constexpr std::size_t largest_answer = 256UL * 1024 * 1024;

/// A server says something from time to time. One that is silent for longer has gone without a word.
constexpr std::chrono::seconds longest_silence{120};
constexpr std::chrono::seconds given_up_after{60};
constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{5'000};

/// A server on this machine is not behind a proxy.
net::proxy_settings proxies()
{
    auto settings = net::proxy_settings::from_environment();
    if (settings.no_proxy != "*")
        settings.no_proxy += std::string(settings.no_proxy.empty() ? "" : ",") + "localhost,127.0.0.1,::1";
    return settings;
}

http_options options_for(const server_access& to)
{
    http_options options;
    options.ca_file = to.ca_file;
    return options;
}

bool is_json(std::string_view content_type)
{
    return content_type.starts_with("application/json");
}

} // namespace

struct server_client::parts
{
    using exchange_result = boost::system::result<http_response>;

    explicit parts(server_access a) : to(std::move(a)), client(loop, options_for(to), proxies()) {}

    [[nodiscard]] asked_of_server asked(std::string_view method, const api_path& path) const
    {
        return {method, to.url, path.text(), !to.token.empty()};
    }

    [[nodiscard]] http_request request(std::string_view method, const api_path& path, std::string_view accept) const
    {
        http_request r;
        r.method = method;
        r.url = to.url + path.text();
        r.headers.push_back({"Accept", std::string(accept)});
        if (!to.token.empty())
            r.headers.push_back({"Authorization", "Bearer " + to.token});
        r.max_body = largest_answer;
        return r;
    }

    /// @param last_heard what ends it when it is too long ago; null = nothing but its deadline
    exchange_result exchange(http_request r, const steady_time* last_heard = nullptr)
    {
        boost::asio::cancellation_signal stop;
        std::optional<exchange_result> outcome;
        std::exception_ptr error;
        bool ended = false;
        const auto break_off = [&stop] { stop.emit(boost::asio::cancellation_type::terminal); };
        // What is no stream ends by itself.
        if (last_heard)
            stopping = break_off;
        auto sent = client.send(std::move(r));
        async_run(loop, "request", std::move(sent),
                  boost::asio::bind_cancellation_slot(stop.slot(),
                                                      [&](std::exception_ptr e, std::optional<exchange_result> result) {
                                                          error = std::move(e);
                                                          outcome = std::move(result);
                                                          ended = true;
                                                      }));
        bool told = false;
        while (!ended) {
            context.restart();
            context.run_one_for(1s);
            const bool silent = last_heard && steady_clock::now() - *last_heard > longest_silence;
            if (silent && !std::exchange(told, true))
                break_off();
        }
        stopping = nullptr;
        detail = outcome ? client.last_error_detail() : "it says nothing any more";
        if (!outcome)
            return make_error_code(http_error::connection_lost);
        return std::move(*outcome);
    }

    /// @throws server_error when it is no success
    http_response successful(http_request r, const asked_of_server& asked, const steady_time* last_heard = nullptr)
    {
        const auto outcome = exchange(std::move(r), last_heard);
        if (!outcome)
            throw error_of_exchange(asked, outcome.error(), detail);
        reached = true;
        if (outcome->status / 100 != 2)
            throw error_of_answer(asked, {outcome->status, outcome->header("Content-Type"), outcome->body,
                                          outcome->header("Location"), outcome->header("Retry-After")});
        return *outcome;
    }

    server_access to;
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    real_loop loop{context};
    net::beast_http_client client;
    std::function<void()> stopping; ///< ends the stream that is under way
    bool reached = false;           ///< the server has answered before
    std::string detail;             ///< of the exchange before: why it brought no answer
    bool interrupted = false;
};

server_client::server_client(server_access to) : parts_(std::make_unique<parts>(std::move(to))) {}

server_client::~server_client()
{
    parts_->client.close_unused();
}

const server_access& server_client::access() const noexcept
{
    return parts_->to;
}

boost::asio::io_context& server_client::context() noexcept
{
    return parts_->context;
}

json::value server_client::get(const api_path& path)
{
    return ask("GET", path).body;
}

server_answer server_client::ask(std::string_view method, const api_path& path, const json::value& body,
                                 std::string_view key)
{
    const asked_of_server asked = parts_->asked(method, path);
    http_request r = parts_->request(method, path, "application/json");
    r.deadline = steady_clock::now() + time_to_answer;
    if (!body.is_null()) {
        r.body = json::serialize(body);
        r.headers.push_back({"Content-Type", "application/json"});
    }
    if (!key.empty())
        r.headers.push_back({"Idempotency-Key", std::string(key)});
    const http_response response = parts_->successful(std::move(r), asked);
    server_answer out{response.status, nullptr};
    if (response.body.empty())
        return out;
    boost::system::error_code ec;
    if (is_json(response.header("Content-Type")))
        out.body = json::parse(response.body, ec);
    else
        ec = boost::system::errc::make_error_code(boost::system::errc::bad_message);
    if (ec)
        throw no_potoo_server(asked, response.status, "its answer is not JSON");
    return out;
}

void server_client::each(const api_path& path, const std::function<bool(json::object)>& visit)
{
    std::string cursor;
    do {
        api_path page = path;
        page.with("cursor", cursor);
        json::value answer = get(page);
        json::object* list = answer.if_object();
        json::value* items = list ? list->if_contains("items") : nullptr;
        if (!items || !items->is_array())
            throw no_potoo_server(parts_->asked("GET", page), 200, "a list was expected");
        for (json::value& item : items->get_array())
            if (item.is_object() && !visit(std::move(item.get_object())))
                return;
        cursor = text_in(*list, "next");
    } while (!cursor.empty());
}

bool server_client::pause(std::chrono::milliseconds time)
{
    const auto until = steady_clock::now() + time;
    while (!parts_->interrupted && steady_clock::now() < until) {
        parts_->context.restart();
        parts_->context.run_one_for(until - steady_clock::now());
    }
    return !parts_->interrupted;
}

stream_end server_client::read(const api_path& path, std::string_view accept,
                               const std::function<bool(std::string_view)>& sink)
{
    if (parts_->interrupted)
        return stream_end::interrupted;
    const asked_of_server asked = parts_->asked("GET", path);
    http_request r = parts_->request("GET", path, accept);
    std::exception_ptr problem;
    bool stopped = false;
    steady_time heard = steady_clock::now();
    r.body_sink = [&](std::string_view piece) {
        heard = steady_clock::now();
        parts_->reached = true;
        try {
            stopped = stopped || !sink(piece);
        } catch (...) {
            problem = std::current_exception();
            stopped = true;
        }
        return !stopped;
    };
    try {
        static_cast<void>(parts_->successful(std::move(r), asked, &heard));
    } catch (const server_error&) {
        if (!stopped && !parts_->interrupted)
            throw;
    }
    if (problem)
        std::rethrow_exception(problem);
    if (parts_->interrupted)
        return stream_end::interrupted;
    return stopped ? stream_end::stopped : stream_end::ended;
}

namespace {

/// Asking again may help.
bool may_pass(const server_error& e)
{
    return e.status() == 0 || e.status() == 429 || e.status() >= 500;
}

} // namespace

/// How long it is tried again, once a server that has answered before does not any more.
class server_client::patience
{
  public:
    patience(server_client& client, const std::function<void(const std::string&)>& say) : client_(client), say_(say) {}

    /// Within a `catch`: throws it on when that is enough.
    void failed(const server_error& e)
    {
        const bool late = lost_ && steady_clock::now() - *lost_ > given_up_after;
        if (!client_.parts_->reached || late || !may_pass(e))
            throw;
    }

    void wait()
    {
        if (!lost_)
            say_(fmt::format("The connection to {} was lost; trying again.\n", client_.access().url));
        lost_ = lost_.value_or(steady_clock::now());
        static_cast<void>(client_.pause(pause_));
        pause_ = std::min(2 * pause_, longest_pause);
    }

    void answered()
    {
        lost_.reset();
        pause_ = first_pause;
    }

  private:
    server_client& client_;
    const std::function<void(const std::string&)>& say_;
    std::optional<steady_time> lost_;
    std::chrono::milliseconds pause_ = first_pause;
};

std::optional<json::value> server_client::get_patiently(const api_path& path,
                                                        const std::function<void(const std::string&)>& say)
{
    patience again(*this, say);
    while (!parts_->interrupted) {
        try {
            return get(path);
        } catch (const server_error& e) {
            again.failed(e);
        }
        again.wait();
    }
    return std::nullopt;
}

stream_end server_client::follow(const std::function<api_path(const std::string& cursor)>& make,
                                 const std::function<bool(const stream_message&)>& sink,
                                 const std::function<void(const std::string&)>& say)
{
    std::string cursor;
    patience again(*this, say);
    while (!parts_->interrupted) {
        event_text text;
        bool stopped = false;
        const auto take = [&](const stream_message& m) {
            cursor = m.id.empty() ? cursor : m.id;
            stopped = !sink(m);
            return !stopped;
        };
        const auto on_piece = [&](std::string_view piece) {
            again.answered();
            return text.add(piece, take);
        };
        try {
            const stream_end end = read(make(cursor), "text/event-stream", on_piece);
            if (stopped || end == stream_end::interrupted)
                return end;
        } catch (const server_error& e) {
            again.failed(e);
        }
        again.wait();
    }
    return stream_end::interrupted;
}

void server_client::interrupt()
{
    parts_->interrupted = true;
    if (parts_->stopping)
        parts_->stopping();
}

} // namespace potoo::cli
