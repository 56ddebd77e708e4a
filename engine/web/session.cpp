#include "engine/web/session.hpp"

#include "engine/web/open_websocket.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::web {
namespace {

using namespace std::chrono_literals;

/// Of a body, for each of which the client has `time_to_take`.
constexpr std::size_t piece_size = std::size_t{64} * 1024;
/// Of requests that come while a stream is being written.
constexpr std::size_t most_ahead = std::size_t{16} * 1024;
/// A client that was refused reads why only if the connection is not reset under it.
constexpr auto linger_time = 2s;
/// Of each body, what every client may have the server keep.
constexpr std::size_t small_body = std::size_t{16} * 1024;
constexpr std::size_t most_to_linger_for = std::size_t{1024} * 1024;

framing framing_of(const reply& r)
{
    const bool bodiless = r.status < 200 || r.status == 204 || r.status == 304;
    return bodiless ? framing::none : framing::length;
}

} // namespace

session::session(server_core& core, transport::socket_type socket, const net::tls_context* tls,
                 boost::asio::ip::address peer, std::function<void(session&)> ended)
    : execution(core.loop, core.loop.intern("http connection")), core_(core),
      transport_(core.loop, std::move(socket), tls), peer_(std::move(peer)), ended_(std::move(ended)),
      waiting_since_(core.loop.now()), task_(serve())
{}

/// What a request has of the memory for all bodies, until it is answered.
class session::body_share
{
  public:
    explicit body_share(server_core& core) : core_(core) {}

    ~body_share() { give_back(); }

    body_share(const body_share&) = delete;
    body_share& operator=(const body_share&) = delete;

    /// @return false when there is not so much
    [[nodiscard]] bool grow_to(std::size_t body)
    {
        const std::size_t more = std::max(body, small_body) - small_body - bytes_;
        if (more > core_.options.limits.body_bytes - core_.stats.body_bytes)
            return false;
        bytes_ += more;
        core_.stats.body_bytes += more;
        return true;
    }

    void give_back() noexcept { core_.stats.body_bytes -= std::exchange(bytes_, 0); }

  private:
    server_core& core_;
    std::size_t bytes_ = 0;
};

void session::start()
{
    task_access<void>::start(task_, *this);
}

void session::on_end() noexcept
{
    const auto ended = std::move(ended_);
    ended(*this);
}

void session::take_leave() noexcept
{
    if (state_ == state::in_head || state_ == state::in_body)
        cancel(cancel_reason::shutdown);
}

void session::cut_off() noexcept
{
    if (state_ != state::busy)
        cancel(cancel_reason::shutdown);
}

task<> session::serve()
{
    bool open = co_await transport_.handshake(core_.after(core_.options.limits.time_for_head));
    while (open) {
        open = co_await exchange();
        first_ = false;
        if (core_.draining)
            break;
        // Requests that came in one piece do not keep others from theirs.
        if (open && !input_.empty())
            co_await yield_now();
    }
    if (lingers_)
        co_await linger();
}

task<bool> session::exchange()
{
    request_reader reader(core_.options.limits.head_bytes);
    exchange_facts facts;
    const reading head = co_await read_head(reader);
    if (head.ended)
        co_return false;
    state_ = state::busy;
    if (head.refused) {
        const bool open = co_await send_refusal(*head.refused, facts);
        co_return open;
    }
    ++core_.stats.requests;
    request& asked = reader.head();
    core_.name_peer(asked, peer_, transport_.secure());
    facts.head_only = asked.method == "HEAD";
    facts.modern = reader.modern();
    if (asked.websocket)
        facts.websocket_key = *asked.find("sec-websocket-key");
    auto refused = refuse(reader);
    if (refused) {
        facts.keep_alive = reader.done() && reader.keep_alive();
        lingers_ = !facts.keep_alive;
        const bool open = co_await send(std::move(*refused), facts);
        co_return open;
    }
    body_share share(core_);
    const reading body = co_await read_body(reader, share);
    if (body.ended)
        co_return false;
    state_ = state::busy;
    if (body.refused) {
        const bool open = co_await send_refusal(*body.refused, facts);
        co_return open;
    }
    facts.keep_alive = reader.keep_alive();
    reply r = co_await answer(reader.take());
    share.give_back();
    const bool open = co_await send(std::move(r), facts);
    co_return open;
}

/// Gives the reader what has come.
std::optional<refusal> session::put(request_reader& reader)
{
    while (!input_.empty()) {
        const bool in_head = !reader.head_done();
        const auto taken = reader.put(input_);
        if (!taken)
            return taken.error();
        input_.erase(0, *taken);
        if (*taken == 0 || reader.done() || (in_head && reader.head_done()))
            break;
    }
    if (input_.empty() && input_.capacity() > piece_size)
        std::string().swap(input_);
    return std::nullopt;
}

task<session::reading> session::read_head(request_reader& reader)
{
    const server_limits& limits = core_.options.limits;
    // Who has been answered may take time to think; who has just come is here to say something.
    bool begun = first_ || !input_.empty();
    steady_time deadline = core_.after(begun ? limits.time_for_head : limits.idle);
    state_ = state::in_head;
    waiting_since_ = core_.loop.now();
    for (;;) {
        if (auto refused = put(reader))
            co_return reading{false, std::move(refused)};
        if (reader.head_done())
            co_return reading();
        const bool asks = !input_.empty();
        const std::size_t n = co_await transport_.read(input_, deadline);
        if (n == 0 && !(asks && transport_.read_late()))
            co_return reading{true, std::nullopt};
        if (n == 0)
            co_return reading{false, refusal(408, "the head of the request did not come in time")};
        if (!begun)
            deadline = core_.after(limits.time_for_head);
        begun = true;
    }
}

task<session::reading> session::read_body(request_reader& reader, body_share& share)
{
    state_ = state::in_body;
    const steady_time deadline = core_.after(core_.options.limits.time_for_body);
    if (reader.awaits_continue() && input_.empty()) {
        const bool written = co_await transport_.write("HTTP/1.1 100 Continue\r\n\r\n", {}, to_take());
        if (!written)
            co_return reading{true, std::nullopt};
    }
    for (;;) {
        if (auto refused = put(reader))
            co_return reading{false, std::move(refused)};
        if (!share.grow_to(reader.body_size()))
            co_return reading{false, refusal(503, "too many large requests are under way; try again later")};
        if (reader.done())
            co_return reading();
        const std::size_t n = co_await transport_.read(input_, deadline);
        if (n == 0 && transport_.read_late())
            co_return reading{false, refusal(408, "the body of the request did not come in time")};
        if (n == 0)
            co_return reading{true, std::nullopt};
    }
}

reply session::failure()
{
    return core_.answers.problem(500, "the server failed to answer; its log says why");
}

/// What can be told from the head alone.
std::optional<reply> session::refuse(request_reader& reader)
{
    try {
        if (auto refused = core_.answers.refuse(reader.head()))
            return refused;
        const auto allowed = reader.allow_body(core_.answers.body_limit(reader.head()));
        if (!allowed)
            return core_.answers.problem(allowed.error().status, allowed.error().detail);
        return std::nullopt;
    } catch (const std::exception& e) {
        core_.say(fmt::format("{} {}: {}", reader.head().method, reader.head().path, e.what()));
        return failure();
    }
}

task<reply> session::answer(request r)
{
    const std::string what = r.method + " " + r.path;
    try {
        reply answered = co_await core_.answers.answer(std::move(r));
        co_return std::move(answered);
    } catch (const std::exception& e) {
        core_.say(fmt::format("{}: {}", what, e.what()));
    }
    co_return failure();
}

/// Nothing that comes behind what was refused can be understood.
task<bool> session::send_refusal(refusal why, exchange_facts facts)
{
    core_.stats.malformed += why.status == 503 ? 0 : 1;
    lingers_ = true;
    facts.keep_alive = false;
    reply r = why.status == 503 ? core_.unavailable(why.detail) : core_.answers.problem(why.status, why.detail);
    if (why.status == 426)
        r.fields.emplace_back("Sec-WebSocket-Version", "13");
    const bool open = co_await send(std::move(r), facts);
    co_return open;
}

/// @return whether the connection is kept
task<bool> session::send(reply r, exchange_facts facts)
{
    if (r.talk && facts.websocket_key.empty()) {
        core_.say("a handler answered by a WebSocket where none was asked for");
        r = failure();
    }
    if (r.talk) {
        co_await talk(r, std::move(facts));
        co_return false;
    }
    bool open = false;
    if (r.stream) {
        open = co_await send_stream(r, std::move(facts));
    } else {
        open = co_await send_whole(r, std::move(facts));
    }
    co_return open;
}

std::string session::head_of(reply& r, framing body, bool keep_alive)
{
    std::string head;
    if (!write_reply_head(r, {body, keep_alive, core_.loop.wall_now()}, head)) {
        core_.say("a handler answered with a field that has a line break or another control character");
        r = failure();
        head.clear();
        (void)write_reply_head(r, {framing_of(r), keep_alive, core_.loop.wall_now()}, head);
    }
    ++core_.stats.replies.at(std::min<std::size_t>(r.status / 100, 5));
    return head;
}

task<bool> session::send_whole(reply& r, exchange_facts facts)
{
    const bool open = stays_open(facts);
    const std::string head = head_of(r, framing_of(r), open);
    std::string_view rest = r.body;
    if (facts.head_only || framing_of(r) == framing::none)
        rest = {};
    bool written = co_await transport_.write(head, rest.substr(0, piece_size), to_take());
    rest.remove_prefix(std::min(piece_size, rest.size()));
    while (written && !rest.empty()) {
        const bool more = co_await transport_.write({}, rest.substr(0, piece_size), to_take());
        written = more;
        rest.remove_prefix(std::min(piece_size, rest.size()));
    }
    co_return written&& open;
}

/// The pieces of a stream as they go out.
class session::chunks final : public body_writer
{
  public:
    chunks(session& s, bool chunked) : session_(s), chunked_(chunked) {}

    task<> write(std::shared_ptr<const std::string> piece) override
    {
        if (piece->empty()) // which would be the end
            co_return;
        const std::string head = chunked_ ? fmt::format("{:x}\r\n", piece->size()) : std::string();
        bool written = co_await session_.transport_.write(head, *piece, session_.to_take());
        if (written && chunked_) {
            const bool ended = co_await session_.transport_.write("\r\n", {}, session_.to_take());
            written = ended;
        }
        if (!written)
            throw cancelled(cancel_reason::user);
    }

  private:
    session& session_;
    bool chunked_;
};

task<bool> session::send_stream(reply& r, exchange_facts facts)
{
    const auto stream = r.stream; // `r` is another if its head cannot be written
    const bool open = stays_open(facts) && facts.modern;
    const framing body = facts.head_only ? framing::none : facts.modern ? framing::chunked : framing::to_end;
    const std::string head = head_of(r, body, open);
    if (!r.stream) {
        const bool sent = co_await transport_.write(head, facts.head_only ? std::string_view() : r.body, to_take());
        co_return sent&& open;
    }
    const bool begun = co_await transport_.write(head, {}, to_take());
    if (!begun || facts.head_only)
        co_return begun&& open;
    chunks out(*this, facts.modern);
    state_ = state::open_ended;
    if (core_.draining)
        co_return false;
    bool whole = false;
    try {
        auto writing = stream(out);
        auto leaving = peer_gone();
        const auto first = co_await any(std::move(writing), std::move(leaving));
        whole = first.index() == 0;
    } catch (const std::exception& e) {
        core_.say(fmt::format("an answer was cut off since its handler failed: {}", e.what()));
    }
    state_ = state::busy;
    if (!whole)
        co_return false;
    if (facts.modern) {
        const bool ended = co_await transport_.write("0\r\n\r\n", {}, to_take());
        co_return ended&& open;
    }
    co_return false;
}

/// Returns when the client has closed its side, or sends more than anybody would who listens.
task<> session::peer_gone()
{
    while (input_.size() < most_ahead) {
        const std::size_t n = co_await transport_.read(input_, steady_time::max());
        if (n == 0)
            co_return;
    }
}

task<> session::talk(reply& r, exchange_facts facts)
{
    struct counted
    {
        explicit counted(std::size_t& n) : number(n) { ++number; }

        ~counted() { --number; }

        std::size_t& number;
    };

    const auto talking = r.talk;
    r.status = 101;
    r.fields.emplace_back("Upgrade", "websocket");
    r.fields.emplace_back("Sec-WebSocket-Accept", websocket_accept(facts.websocket_key));
    const std::string head = head_of(r, framing::none, false);
    const bool written = co_await transport_.write(head, r.talk ? std::string_view() : r.body, to_take());
    if (!written || !r.talk || core_.draining)
        co_return;
    const counted one(core_.stats.websockets);
    open_websocket socket(core_, transport_, std::exchange(input_, {}));
    state_ = state::open_ended;
    co_await socket.run(talking);
}

task<> session::linger()
{
    transport_.end_writing();
    const steady_time deadline = core_.after(linger_time);
    std::size_t n = 1;
    for (std::size_t left = most_to_linger_for; n != 0 && n <= left; left -= n) {
        input_.clear();
        n = co_await transport_.read(input_, deadline);
    }
}

} // namespace potoo::web
