#include "engine/web/transport.hpp"

#include <potoo/asio.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/error.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace potoo::web {
namespace {

using boost::system::error_code;
using net::tls_status;

// Of one reading. All connections share the room for it, since nothing waits while it is in use.
constexpr std::size_t most_at_a_time = std::size_t{32} * 1024;
thread_local std::array<char, most_at_a_time> room;
// Others of the loop have a turn after so much that came, or went, without waiting.
constexpr std::size_t most_in_a_turn = std::size_t{256} * 1024;

} // namespace

transport::transport(loop& l, socket_type socket, const net::tls_context* server) : loop_(l), socket_(std::move(socket))
{
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    if (server)
        tls_ = std::make_unique<net::tls_session>(*server, socket_.native_handle());
}

transport::~transport()
{
    loop_.disarm(reading_);
    loop_.disarm(writing_);
    if (tls_ && !closed_)
        tls_->close();
}

void transport::time_limit::on_due()
{
    if (owner.loop_.now() < deadline) {
        owner.loop_.arm(*this, deadline);
        return;
    }
    passed = true;
    // The other direction is woken too, and waits on.
    error_code ignored;
    owner.socket_.cancel(ignored);
}

void transport::limit(time_limit& l, steady_time deadline)
{
    l.deadline = deadline;
    l.passed = false;
    loop_.arm(l, deadline);
}

void transport::lift(time_limit& l)
{
    l.deadline = steady_time::max();
    loop_.disarm(l);
}

task<> transport::wait_for(tls_status wish)
{
    const auto what = wish == tls_status::wants_read ? socket_type::wait_read : socket_type::wait_write;
    since_turn_ = 0;
    co_await socket_.async_wait(what, use_task);
}

bool transport::turn_is_over(std::size_t bytes) noexcept
{
    since_turn_ += bytes;
    if (since_turn_ <= most_in_a_turn)
        return false;
    since_turn_ = 0;
    return true;
}

task<bool> transport::handshake(steady_time deadline)
{
    if (!tls_)
        co_return true;
    limit(reading_, deadline);
    for (;;) {
        const net::tls_step step = tls_->handshake();
        const bool waits = step.status == tls_status::wants_read || step.status == tls_status::wants_write;
        if (!waits || reading_.passed || closed_) {
            lift(reading_);
            co_return step.status == tls_status::done;
        }
        co_await wait_for(step.status);
    }
}

transport::progress transport::read_now(char* to, std::size_t size)
{
    if (tls_) {
        const net::tls_step step = tls_->read(to, size);
        return {step.status, step.bytes};
    }
    const auto n = ::recv(socket_.native_handle(), to, size, MSG_DONTWAIT);
    if (n > 0)
        return {tls_status::done, static_cast<std::size_t>(n)};
    if (n == 0)
        return {tls_status::closed};
    return {errno == EAGAIN || errno == EINTR ? tls_status::wants_read : tls_status::failed};
}

task<std::size_t> transport::read(std::string& to, steady_time deadline)
{
    limit(reading_, deadline);
    std::size_t taken = 0;
    while (!closed_) {
        const progress p = read_now(room.data(), room.size());
        if (p.status == tls_status::done) {
            to.append(room.data(), p.bytes);
            taken = p.bytes;
            break;
        }
        if (p.status == tls_status::closed || p.status == tls_status::failed || reading_.passed)
            break;
        co_await wait_for(p.status);
    }
    lift(reading_);
    if (turn_is_over(taken))
        co_await yield_now();
    co_return taken;
}

transport::progress transport::write_some(std::string_view head, std::string_view body)
{
    if (tls_) {
        const net::tls_step step = tls_->write(head.empty() ? body : head);
        return {step.status, step.bytes};
    }
    std::array<iovec, 2> pieces{
        {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
        return {tls_status::done, static_cast<std::size_t>(n)};
    return {errno == EAGAIN || errno == EINTR ? tls_status::wants_write : tls_status::failed};
}

task<bool> transport::write(std::string_view head, std::string_view body, steady_time deadline)
{
    bool limited = false;
    bool failed = false;
    while (!failed && !(head.empty() && body.empty())) {
        const progress p = write_some(head, body);
        const std::size_t of_head = std::min(p.bytes, head.size());
        head.remove_prefix(of_head);
        body.remove_prefix(p.bytes - of_head);
        if (turn_is_over(p.bytes))
            co_await yield_now();
        failed = closed_ || p.status == tls_status::closed || p.status == tls_status::failed;
        if (failed || p.status == tls_status::done)
            continue;
        // A timer only where there is something to wait for.
        if (!limited)
            limit(writing_, deadline);
        limited = true;
        co_await wait_for(p.status);
        failed = writing_.passed || closed_;
    }
    if (limited)
        lift(writing_);
    co_return !failed;
}

void transport::write_now(std::string_view bytes) noexcept
{
    if (!tls_)
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void transport::end_writing() noexcept
{
    if (tls_)
        tls_->close();
    error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

void transport::close() noexcept
{
    if (closed_)
        return;
    closed_ = true;
    error_code ignored;
    socket_.cancel(ignored);
    socket_.shutdown(boost::asio::socket_base::shutdown_both, ignored);
}

} // namespace potoo::web
