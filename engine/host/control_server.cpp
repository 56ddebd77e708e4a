#include "engine/host/control_server.hpp"

#include "engine/host/control_address.hpp"
#include "engine/loop/real_loop.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <csignal>
#include <set>
#include <thread>

namespace potoo::host {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

namespace {

/// After an `accept` that failed for want of descriptors.
constexpr std::chrono::milliseconds accept_again{200};

/// Started with all signals blocked: they are for the program's own threads.
template <class Function>
std::thread quiet_thread(Function f)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread t(std::move(f));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return t;
}

} // namespace

/// Of the server's thread, as is everything below but for the constructor and the destructor.
struct control_server::parts final : timer_node
{
    parts(const journal::state_layout& layout, handler h, control_limits l)
        : address(layout), on_request(std::move(h)), limits(l), loop(*context), acceptor(*context)
    {
        acceptor.assign(stream_protocol(), address.listen());
    }

    void accept();
    void accepted(error_code ec, stream_protocol::socket s);
    void forget(const std::shared_ptr<connection>& c);
    void close();

    void on_due() override { accept(); }

    control_address address;
    handler on_request;
    control_limits limits;
    /// Shared with answers that come late.
    std::shared_ptr<asio::io_context> context = std::make_shared<asio::io_context>(1);
    real_loop loop;
    asio::basic_socket_acceptor<stream_protocol> acceptor;
    std::set<std::shared_ptr<connection>> connections;
    bool accepting = false;
    bool closing = false;
    std::thread thread;
};

class control_server::connection final : public std::enable_shared_from_this<connection>, private timer_node
{
  public:
    connection(parts& p, stream_protocol::socket s) : parts_(p), socket_(std::move(s)), input_(p.limits.request_bytes)
    {}

    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void read()
    {
        allow(parts_.limits.time_to_ask);
        asio::async_read_until(socket_, input_, '\n', [me = shared_from_this()](error_code ec, std::size_t size) {
            me->read_ended(ec, size);
        });
    }

    void answer(const std::string& line)
    {
        output_ = line + '\n';
        writing_ = true;
        allow(parts_.closing ? parts_.limits.time_to_take_leave : parts_.limits.time_to_take_answer);
        asio::async_write(socket_, asio::buffer(output_), [me = shared_from_this()](error_code ec, std::size_t) {
            me->writing_ = false;
            if (ec || me->last_ || me->parts_.closing)
                return me->close();
            me->read();
        });
    }

    /// The server ends: only an answer that is being written is waited for.
    void take_leave()
    {
        if (writing_)
            allow(parts_.limits.time_to_take_leave);
        else
            close();
    }

  private:
    void read_ended(error_code ec, std::size_t size)
    {
        if (ec == asio::error::not_found) {
            last_ = true;
            return answer(R"({"result":"invalid","text":"the request is too long"})");
        }
        if (ec)
            return close();
        const auto text = asio::buffers_begin(input_.data());
        std::string line(text, text + static_cast<std::ptrdiff_t>(size - 1));
        input_.consume(size);
        allow(parts_.limits.time_to_answer);
        parts_.on_request(std::move(line), [context = parts_.context, me = weak_from_this()](std::string text_out) {
            asio::post(*context, [me, text_out = std::move(text_out)] {
                if (const auto alive = me.lock())
                    alive->answer(text_out);
            });
        });
    }

    /// Closes the connection when that much time has passed.
    void allow(std::chrono::milliseconds time)
    {
        if (socket_.is_open())
            parts_.loop.arm(*this, parts_.loop.now() + time);
    }

    void on_due() override { close(); }

    void close()
    {
        if (armed())
            parts_.loop.disarm(*this);
        error_code ignored;
        socket_.close(ignored);
        parts_.forget(shared_from_this());
    }

    parts& parts_;
    stream_protocol::socket socket_;
    asio::streambuf input_;
    std::string output_;
    bool writing_ = false;
    bool last_ = false;
};

void control_server::parts::accept()
{
    if (accepting || closing || connections.size() >= limits.connections)
        return;
    accepting = true;
    acceptor.async_accept([this](error_code ec, stream_protocol::socket s) { accepted(ec, std::move(s)); });
}

void control_server::parts::accepted(error_code ec, stream_protocol::socket s)
{
    accepting = false;
    if (closing)
        return;
    if (!ec) {
        (*connections.insert(std::make_shared<connection>(*this, std::move(s))).first)->read();
        return accept();
    }
    loop.arm(*this, loop.now() + accept_again);
}

void control_server::parts::forget(const std::shared_ptr<connection>& c)
{
    connections.erase(c);
    accept();
}

void control_server::parts::close()
{
    closing = true;
    error_code ignored;
    acceptor.close(ignored);
    if (armed())
        loop.disarm(*this);
    const auto open = connections;
    for (const auto& c : open)
        c->take_leave();
}

control_server::control_server(const journal::state_layout& layout, handler on_request, control_limits limits)
    : parts_(std::make_unique<parts>(layout, std::move(on_request), limits))
{
    parts_->accept();
    parts_->thread = quiet_thread([p = parts_.get()] { p->context->run(); });
}

control_server::~control_server()
{
    parts_->address.remove();
    // Twice: an answer that was given on the server's thread stands behind what comes from elsewhere at the same time.
    asio::post(*parts_->context, [p = parts_.get()] { asio::post(*p->context, [p] { p->close(); }); });
    parts_->thread.join();
}

} // namespace potoo::host
