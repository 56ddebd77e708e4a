#include "engine/net/connection.hpp"

#include <potoo/asio.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace potoo::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t first_room = std::size_t{16} * 1024;
// Others of the loop have a turn after so much that came without waiting.
constexpr std::size_t most_at_a_time = std::size_t{256} * 1024;

} // namespace

connection::connection(loop& l) : loop_(l), socket_(l.executor()) {}

connection::~connection()
{
    loop_.disarm(*this);
    loop_.unschedule(*this);
    if (tls_)
        tls_->close();
    if (link_ && link_->in_flight)
        link_->owner = nullptr;
    else
        delete link_;
}

void connection::limit(steady_time deadline)
{
    deadline_ = deadline;
    timed_out_ = false;
    // A timer that is due earlier finds the new deadline when it fires: one re-arm in a while instead of two calls a
    // request.
    if (deadline == steady_time::max() || (armed() && due_ <= deadline))
        return;
    due_ = deadline;
    loop_.arm(*this, deadline);
}

void connection::on_due()
{
    if (deadline_ == steady_time::max())
        return;
    if (loop_.now() < deadline_) {
        due_ = deadline_;
        loop_.arm(*this, deadline_);
        return;
    }
    timed_out_ = true;
    error_code ignored; // the socket may not be open yet, and then there is nothing to cancel
    socket_.cancel(ignored);
}

problem connection::lost(std::string why) const
{
    if (timed_out_ && sent_)
        return {http_error::timed_out, "the deadline passed while waiting for the response"};
    if (timed_out_)
        return {http_error::timed_out_before_send, "the deadline passed before anything of the request went out"};
    return {sent_ ? http_error::connection_lost : http_error::not_sent, std::move(why)};
}

task<error_code> connection::connect(endpoint to)
{
    error_code ec;
    socket_.close(ec);
    auto connected = co_await socket_.async_connect(to, use_task);
    if (!connected)
        co_return connected.error();
    socket_.non_blocking(true, ec);
    if (!ec && to.data()->sa_family != AF_UNIX)
        socket_.set_option(asio::ip::tcp::no_delay(true), ec);
    co_return ec;
}

task<or_problem<void>> connection::secure(const tls_context& context, std::string host)
{
    fresh_ = true; // whatever was said to a proxy before
    tls_ = std::make_unique<tls_session>(context, socket_.native_handle(), host);
    for (;;) {
        const tls_step step = tls_->handshake();
        if (step.status == tls_status::done)
            co_return or_problem<void>();
        if (timed_out_)
            co_return lost({});
        if (step.status == tls_status::wants_read) {
            co_await socket_.async_wait(socket_type::wait_read, use_task);
        } else if (step.status == tls_status::wants_write) {
            co_await socket_.async_wait(socket_type::wait_write, use_task);
        } else {
            const bool closed = step.status == tls_status::closed;
            co_return problem(http_error::tls_failed, closed ? "closed during the handshake" : tls_->failure());
        }
    }
}

bool connection::still_open()
{
    if (begin_ != end_)
        return false;
    char byte = 0;
    const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN;
    return n > 0 && tls_ && tls_->quiet();
}

/// Writes what fits now. @return what went wrong; empty if nothing did
std::string connection::write_some(std::string_view& rest, tls_status& status)
{
    status = tls_status::done;
    if (tls_) {
        const std::uint64_t before = tls_->bytes_out();
        const tls_step step = tls_->write(rest);
        sent_ |= tls_->bytes_out() > before;
        status = step.status;
        rest.remove_prefix(step.bytes);
        return status == tls_status::failed ? tls_->failure() : std::string();
    }
    const auto n = ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
        sent_ |= n > 0;
        rest.remove_prefix(static_cast<std::size_t>(n));
        return {};
    }
    if (errno == EAGAIN || errno == EINTR) {
        status = tls_status::wants_write;
        return {};
    }
    status = tls_status::failed;
    return std::strerror(errno);
}

/// @return what went wrong; empty if all went out
task<std::string> connection::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        tls_status status{};
        std::string failure = write_some(bytes, status);
        if (status == tls_status::failed)
            co_return failure;
        if (status == tls_status::closed)
            co_return "the connection was closed";
        if (status == tls_status::wants_write) {
            co_await socket_.async_wait(socket_type::wait_write, use_task);
        } else if (status == tls_status::wants_read) {
            co_await socket_.async_wait(socket_type::wait_read, use_task);
        }
        if (timed_out_)
            co_return "the deadline passed";
    }
    co_return std::string();
}

asio::mutable_buffer connection::room_for_more()
{
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (input_.empty())
            input_.resize(first_room);
    } else if (end_ == input_.size() && begin_ > 0) {
        std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    } else if (end_ == input_.size()) {
        input_.resize(input_.size() * 2);
    }
    return asio::buffer(input_.data() + end_, input_.size() - end_);
}

task<connection::bytes_or_failure> connection::read_tls(asio::mutable_buffer room)
{
    for (;;) {
        const tls_step step = tls_->read(static_cast<char*>(room.data()), room.size());
        if (step.status == tls_status::done)
            co_return step.bytes;
        if (step.status == tls_status::closed)
            co_return std::size_t{0};
        if (step.status == tls_status::failed)
            co_return tls_->failure();
        if (timed_out_)
            co_return std::string("the deadline passed");
        if (step.status == tls_status::wants_read) {
            co_await socket_.async_wait(socket_type::wait_read, use_task);
        } else {
            co_await socket_.async_wait(socket_type::wait_write, use_task);
        }
    }
}

task<or_problem<void>> connection::read_response(response_reader& reader)
{
    std::size_t since_turn = 0;
    for (;;) {
        if (begin_ != end_) {
            const auto taken = reader.put({input_.data() + begin_, end_ - begin_});
            if (!taken)
                co_return taken.error();
            begin_ += *taken;
            if (reader.done())
                co_return or_problem<void>();
        }
        if (timed_out_)
            co_return lost({});
        auto room = room_for_more();
        std::size_t n = 0;
        if (tls_) {
            auto read = co_await read_tls(room);
            if (!read)
                co_return lost(read.error());
            n = *read;
            since_turn += n;
            if (since_turn > most_at_a_time) {
                since_turn = 0;
                co_await asio::post(loop_.executor(), use_task);
            }
        } else {
            auto read = co_await socket_.async_read_some(room, use_task);
            if (!read && read.error() != asio::error::eof)
                co_return lost(read.error().message());
            n = read ? *read : 0;
        }
        answered_ |= n > 0;
        end_ += n;
        if (n == 0) {
            auto ended = reader.put_end();
            if (!ended && ended.error().code == http_error::connection_lost)
                co_return lost(ended.error().detail);
            co_return ended;
        }
    }
}

task<or_problem<http_response>> connection::exchange(std::string_view head, std::string_view body, reading_rules rules)
{
    sent_ = answered_ = reusable_ = false;
    const bool fresh = std::exchange(fresh_, false);
    std::string failure = co_await write(head);
    if (failure.empty() && !body.empty()) {
        std::string body_failure = co_await write(body);
        failure = std::move(body_failure);
    }
    if (!sent_ || timed_out_)
        co_return lost(failure);
    // Even if not all of the request was taken there may be an answer: what did the other side not like about it?
    response_reader reader(rules);
    auto read = co_await read_response(reader);
    if (!read && fresh && !answered_ && tls_ && tls_->refused_by_peer())
        co_return problem(http_error::tls_failed, tls_->failure());
    if (!read && !failure.empty() && !answered_)
        co_return lost(failure);
    if (!read)
        co_return read.error();
    reusable_ = failure.empty() && begin_ == end_ && reader.keep_alive();
    co_return reader.take();
}

/// The handler of a read: owns the link once the connection is gone.
class connection::arrival
{
  public:
    using allocator_type = potoo::detail::frame_allocator<std::byte>;

    explicit arrival(read_link& l) noexcept : link_(&l) { l.in_flight = true; }

    arrival(arrival&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}

    arrival& operator=(arrival&&) = delete;

    ~arrival()
    {
        if (link_)
            (void)landed();
    }

    void operator()(error_code ec, std::size_t n)
    {
        if (connection* c = landed())
            c->on_read(ec, n);
    }

    [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }

  private:
    connection* landed() noexcept
    {
        read_link* l = std::exchange(link_, nullptr);
        l->in_flight = false;
        if (!l->owner)
            delete l;
        else
            return l->owner;
        return nullptr;
    }

    read_link* link_;
};

bool connection::begin_exchange(std::string_view head, response_reader& reader, exchange_listener& l)
{
    sent_ = answered_ = reusable_ = false;
    fresh_ = false;
    failure_.reset();
    const auto n = ::send(socket_.native_handle(), head.data(), head.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n != static_cast<ssize_t>(head.size()))
        return false;
    sent_ = true;
    reader_ = &reader;
    listener_ = &l;
    // After everything else of this turn: the answer may be there by then, and is read without waiting for it.
    loop_.schedule(*this);
    return true;
}

void connection::on_ready()
{
    if (timed_out_)
        end_exchange(lost({}));
    else
        read_on();
}

void connection::read_on()
{
    if (!link_)
        link_ = new read_link{this};
    socket_.async_read_some(room_for_more(), arrival(*link_));
}

void connection::on_read(error_code ec, std::size_t n)
{
    if (ec && ec != asio::error::eof)
        return end_exchange(lost(ec.message()));
    answered_ |= n > 0;
    end_ += n;
    if (n == 0) {
        auto ended = reader_->put_end();
        if (!ended && ended.error().code == http_error::connection_lost)
            return end_exchange(lost(ended.error().detail));
        return end_exchange(ended ? std::nullopt : std::optional(ended.error()));
    }
    const auto taken = reader_->put({input_.data() + begin_, end_ - begin_});
    if (!taken)
        return end_exchange(taken.error());
    begin_ += *taken;
    if (!reader_->done())
        return timed_out_ ? end_exchange(lost({})) : read_on();
    reusable_ = begin_ == end_ && reader_->keep_alive();
    end_exchange(std::nullopt);
}

void connection::end_exchange(std::optional<problem> failure)
{
    failure_ = std::move(failure);
    reader_ = nullptr;
    std::exchange(listener_, nullptr)->on_exchanged();
}

} // namespace potoo::net
