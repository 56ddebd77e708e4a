#pragma once
/// @file
/// PostgreSQL on the loop, by libpq: no thread waits for a query. Connections, a pool of them for each place and user,
/// and a listener that many waits share.
///
/// Everything throws `postgres::error` for what the server or the way to it does wrong; `raise` makes a task's failure
/// of it.

#include <potoo/context.hpp>
#include <potoo/error.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::postgres {

/// What the server said, or why it could not be asked. `what()` never holds a password.
// clang-format off
/// | what | code | another try may succeed |
/// |---|---|---|
/// | the server's SQLSTATE: classes 08, 53, 57P, 58, P0 (raised by a function), 40001, 40P01, 55P03, 57014 | `sql_SQLSTATE` | yes |
/// | any other SQLSTATE | `sql_SQLSTATE` | no |
/// | class 28: who it is was not believed, or may not connect | `unauthorized` | no |
/// | no answer at all | `resolve_failed`, `connection_refused`, `connect_failed`, `tls_failed`, `timed_out` | yes |
/// | the connection broke | `connection_lost` | yes; what was sent may have been done |
/// | asked for what this does not do (COPY, no statement) | `not_supported` | no |
/// | a setting is wrong | `bad_connection` | no |
// clang-format on
class error : public std::runtime_error
{
  public:
    error(const std::string& message, std::string code, bool retryable)
        : std::runtime_error(message), code_(std::move(code)), retryable_(retryable)
    {}

    /// As the server said it. @param position where in the statement, in characters from 1; 0 = nowhere
    static error of_state(const std::string& message, const std::string& sqlstate, std::size_t position = 0);

    [[nodiscard]] const std::string& code() const noexcept { return code_; }

    /// Five characters; empty when the server did not speak.
    [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    [[nodiscard]] bool retryable() const noexcept { return retryable_; }

    /// It is not known what became of what was sent last.
    [[nodiscard]] bool lost() const noexcept { return code_ == "connection_lost"; }

  private:
    std::string code_;
    std::string sqlstate_;
    std::size_t position_ = 0;
    bool retryable_;
};

/// Throws it as `failure` or `fatal`. A position becomes line and column, with that line of `statement`.
[[noreturn]] void raise(const error& e, std::string_view statement = {});

/// Where to connect to, and as whom.
struct settings
{
    /// libpq's keywords with their values, a later one of the same name counts; what is not there comes from libpq's
    /// environment variables (`PGHOST`, …), service and password files.
    std::vector<std::pair<std::string, std::string>> parameters;
    std::size_t connections = 8; ///< of a pool, at most, ≥ 1
    duration connect_timeout{10'000};
};

/// The task's connection of type `sql`, or, without one, what the environment says. Its password is concealed.
/// @throws fatal naming the setting that is wrong
[[nodiscard]] settings read_settings(context& ctx);

/// A text that is the same for equal settings only, and tells nothing of a password.
[[nodiscard]] std::string identity(const settings& s);

/// The text form of a value; nothing = NULL. The server finds out its type.
using parameter = std::optional<std::string>;
using cell = std::optional<std::string_view>;

/// JSON values as parameters: null is NULL, text is itself, true, false and numbers as they are written, arrays and
/// objects as JSON. @throws fatal for a text with a zero byte
[[nodiscard]] std::vector<parameter> parameters_from(const json::array& values);

struct column
{
    std::string name;
    std::uint32_t type = 0; ///< object id of the type
};

/// A cell as JSON: NULL is null; booleans, integers and floating-point numbers are what they are; `numeric` is a number
/// when that loses no digit, else text; `json` and `jsonb` are what they hold; `bytea` is base64; everything else, and
/// NaN and infinity, is the text that PostgreSQL writes.
[[nodiscard]] json::value to_json(std::uint32_t type, const cell& c);

/// How a statement ended.
struct completion
{
    std::string command;                        ///< the command tag, as in `INSERT 0 1`
    std::optional<std::uint64_t> rows_affected; ///< or returned; nothing for commands that count none
    bool cut = false;                           ///< it was cancelled because its other rows were not wanted
};

/// Takes the rows of a statement as they come, so that a large result fills no memory. Called on the loop.
class row_sink
{
  public:
    enum class wish : std::uint8_t
    {
        more,
        drop_rest,   ///< the statement goes on to its end, its other rows are not kept
        cancel_rest, ///< the statement may be cancelled at the server
    };

    virtual void columns(std::span<const column> c) = 0;

    /// The cells are valid during the call.
    virtual wish row(std::span<const cell> cells) = 0;

  protected:
    ~row_sink() = default;
};

struct notification
{
    std::string channel;
    std::string payload;
    int pid = 0; ///< of the session that sent it
};

/// One session. Used by one coroutine at a time.
class connection
{
  public:
    /// Name look-up and TLS files are read on a thread of the loop's pool, the rest waits on the socket.
    /// @param name the session's `application_name`, cut to 63 bytes by the server
    [[nodiscard]] static task<std::unique_ptr<connection>> open(potoo::loop& l, settings s, std::string name);

    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// Ends the session. A statement that runs goes on at the server until it notices.
    ~connection();

    /// Runs one statement. Told to stop, it cancels the statement at the server, ends the session when that does not
    /// help, and throws `cancelled` once the server has confirmed the end, or with `end_is_unconfirmed`; a statement
    /// that came to its end nevertheless is returned. When the engine detaches it waits for the confirmation a few
    /// seconds only. Statement, parameters and sink outlive the task.
    [[nodiscard]] task<completion> query(const std::string& statement, const std::vector<parameter>& parameters,
                                         row_sink& rows);

    /// Runs statements without parameters, whose rows are dropped. Told to stop it ends the session.
    [[nodiscard]] task<completion> run(std::string statements);

    /// Forgets what was set in the session, and names it. Under a deadline of its own, beyond which the session ends.
    [[nodiscard]] task<> reset(std::string name);

    /// What was heard since the last call; `LISTEN` by `run`. Never waits.
    /// @throws error when the session has ended
    [[nodiscard]] std::vector<notification> take_notifications();

    /// Until the server has sent something.
    [[nodiscard]] task<> wait_readable();

    /// Receives what the server says besides, as in `NOTICE:  …`, while a statement runs.
    void on_notice(std::function<void(std::string_view)> f);

    /// The session is there and no statement runs in it.
    [[nodiscard]] bool usable() const noexcept;

    [[nodiscard]] bool in_transaction() const noexcept;

    /// A statement was told to stop, and the server has not said that it did.
    [[nodiscard]] bool end_is_unconfirmed() const noexcept;

    /// As 150020 for 15.20.
    [[nodiscard]] int server_version() const noexcept;

    /// The server's process.
    [[nodiscard]] int pid() const noexcept;

  private:
    class session;

    explicit connection(std::unique_ptr<session> s) noexcept;

    std::unique_ptr<session> session_;
};

/// Connections of the same settings, made as they are needed, kept for a minute when nobody does.
class pool final : private timer_node
{
  public:
    class lease;

    pool(potoo::loop& l, settings s);

    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    /// Every lease must be gone.
    ~pool();

    /// A session that nothing is left in, when its turn has come.
    [[nodiscard]] task<lease> acquire(std::string name);

    /// Sessions that are open, used or not.
    [[nodiscard]] std::size_t open_connections() const noexcept { return used_ + idle_.size(); }

    [[nodiscard]] const settings& where() const noexcept { return settings_; }

  private:
    struct idle_connection
    {
        std::unique_ptr<connection> session;
        steady_time since;
    };

    void on_due() override;
    void give_back(std::unique_ptr<connection> c);

    potoo::loop& loop_;
    settings settings_;
    semaphore slots_;
    std::vector<idle_connection> idle_; ///< the one used last is last
    std::size_t used_ = 0;
};

/// A connection of a pool, given back when this is destroyed: kept, if it is usable and in no transaction.
class [[nodiscard]] pool::lease
{
  public:
    lease(lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_))
    {}

    lease& operator=(lease&&) = delete;

    ~lease();

    [[nodiscard]] connection& operator*() const noexcept { return *connection_; }

    [[nodiscard]] connection* operator->() const noexcept { return connection_.get(); }

    /// Ends the session now. The lease holds its place, and nothing else.
    void drop();

  private:
    friend class pool;

    explicit lease(pool& p) noexcept : pool_(&p) { ++p.used_; }

    pool* pool_;
    std::unique_ptr<connection> connection_;
};

/// The pool of the task's connection.
[[nodiscard]] pool& pool_for(context& ctx);

/// One session that listens to all the channels that anybody waits for, and connects again when it is lost.
class listener
{
  public:
    class subscription;

    listener(potoo::loop& l, settings s);

    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    /// Every subscription must be gone.
    ~listener();

    /// Sessions opened since the start.
    [[nodiscard]] std::size_t connections_made() const noexcept;

  private:
    class service;

    std::unique_ptr<service> service_;
};

/// While it lives, its channel is listened to.
class listener::subscription
{
  public:
    struct event
    {
        /// From now on the channel is listened to: what was sent before, or since the session was lost, was not heard.
        bool listening = false;
        std::optional<notification> heard;
        std::string disturbed; ///< why the session was lost or could not be made; it is tried again
    };

    /// @param channel as it is, in upper and lower case; at most 63 bytes
    subscription(listener& l, std::string channel);

    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription();

    /// The next that happens, in order. @throws error when the channel was never listened to, and the server refuses
    /// it, or a session, for good
    [[nodiscard]] task<event> next();

  private:
    friend class listener::service;

    struct inbox;

    listener::service& service_;
    std::unique_ptr<inbox> inbox_;
};

/// The listener of the task's connection.
[[nodiscard]] listener& listener_for(context& ctx);

} // namespace potoo::postgres
