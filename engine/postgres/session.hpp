#pragma once
/// @file
/// One libpq connection and its socket: how it is made, and what is sent and read.

#include <potoo/postgres.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>

namespace potoo::postgres {

/// Waits for a socket that belongs to somebody else.
class socket_watch
{
  public:
    socket_watch(potoo::loop& l, int fd) : descriptor_(l.executor(), fd) {}

    socket_watch(const socket_watch&) = delete;
    socket_watch& operator=(const socket_watch&) = delete;

    ~socket_watch() { descriptor_.release(); }

    [[nodiscard]] task<> readable();
    [[nodiscard]] task<> writable();

  private:
    boost::asio::posix::basic_stream_descriptor<loop::executor_type> descriptor_;
};

/// How far a statement is.
struct progress
{
    row_sink* rows = nullptr; ///< null: they are dropped
    bool columns_given = false;
    bool cancel_asked = false; ///< because the rest of the rows was not wanted
    row_sink::wish wish = row_sink::wish::more;
    completion done;
    std::optional<error> failed;
};

class connection::session
{
  public:
    session(potoo::loop& l, settings s) : loop_(l), settings_(std::move(s)) {}

    [[nodiscard]] task<> connect(std::string name);

    /// Right after it was made, or reset: what every session is told.
    [[nodiscard]] task<> set_up();

    [[nodiscard]] task<> reset(std::string name);

    [[nodiscard]] task<completion> query(const std::string& statement, const std::vector<parameter>& parameters,
                                         row_sink& rows);
    [[nodiscard]] task<completion> run(std::string statements);

    [[nodiscard]] std::vector<notification> take_notifications();

    [[nodiscard]] task<> wait_readable() { return socket_->readable(); }

    std::function<void(std::string_view)> notice;

    [[nodiscard]] bool usable() const noexcept { return socket_ && !busy_ && PQstatus(raw_.get()) == CONNECTION_OK; }

    [[nodiscard]] bool unconfirmed() const noexcept { return unconfirmed_; }

    [[nodiscard]] PGconn* raw() const noexcept { return raw_.get(); }

  private:
    void send(const std::string& statement, const std::vector<parameter>& parameters);
    [[nodiscard]] task<> exchange(progress& p);
    [[nodiscard]] task<> flush();
    void take(progress& p, const PGresult& r);
    void take_row(progress& p, const PGresult& r);
    [[nodiscard]] task<> request_cancel();
    [[nodiscard]] task<> cancel_until_ended(progress& p);
    [[nodiscard]] task<> end_from_outside();
    [[nodiscard]] task<> stop(progress& p, cancel_reason why);
    [[nodiscard]] error lost() const;
    [[nodiscard]] error last_words(progress& p);

    potoo::loop& loop_;
    settings settings_;
    std::string name_;
    std::shared_ptr<PGconn> raw_; ///< shared with the thread that makes the connection
    std::unique_ptr<socket_watch> socket_;
    bool busy_ = false; ///< something was sent, and its answer not read to the end
    bool unconfirmed_ = false;
    bool checks_client_ = true; ///< the server is able to look whether its client still lives
};

} // namespace potoo::postgres
