#include "engine/postgres/connect_error.hpp"
#include "engine/postgres/session.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>

#include <fmt/format.h>

namespace potoo::postgres {
namespace {

constexpr duration reset_grace{5'000};

/// Beside those of `settings`, which count more. A peer that is gone is noticed within a minute.
constexpr std::pair<const char*, const char*> usual_parameters[] = {
    {"keepalives_idle", "30"}, {"keepalives_interval", "10"}, {"keepalives_count", "3"}};

void ignore_notice(void*, const char*) {}

/// Blocks while a name is looked up and files are read.
std::shared_ptr<PGconn> begin_connecting(const settings& s, const std::string& name)
{
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    const auto add = [&](const char* keyword, const char* value) {
        keywords.push_back(keyword);
        values.push_back(value);
    };
    for (const auto& [keyword, value] : usual_parameters)
        add(keyword, value);
    for (const auto& [keyword, value] : s.parameters)
        add(keyword.c_str(), value.c_str());
    add("application_name", name.c_str());
    add("client_encoding", "UTF8");
    add(nullptr, nullptr);
    std::shared_ptr<PGconn> c(PQconnectStartParams(keywords.data(), values.data(), 0), PQfinish);
    if (!c)
        throw std::bad_alloc();
    PQsetErrorVerbosity(c.get(), PQERRORS_VERBOSE);
    PQsetNoticeProcessor(c.get(), ignore_notice, nullptr);
    return c;
}

void pass_notice(void* notice, const char* text)
{
    auto& f = *static_cast<std::function<void(std::string_view)>*>(notice);
    std::string_view line = text;
    while (line.ends_with('\n'))
        line.remove_suffix(1);
    if (f)
        f(line);
}

} // namespace

/// Every step may look a name up or read a file, so it is taken on a thread; the socket is waited for here.
task<> connection::session::connect(std::string name)
{
    name_ = name;
    auto begin = [s = settings_, n = std::move(name)] { return begin_connecting(s, n); };
    raw_ = co_await blocking(std::move(begin));
    auto next = PQstatus(raw_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED)
            throw connect_error(raw_.get(), settings_);
        {
            socket_watch socket(loop_, PQsocket(raw_.get()));
            if (next == PGRES_POLLING_READING)
                co_await socket.readable();
            else
                co_await socket.writable();
        }
        auto step = [c = raw_] { return PQconnectPoll(c.get()); };
        next = co_await blocking(std::move(step));
    }
    PQsetErrorVerbosity(raw_.get(), PQERRORS_DEFAULT);
    PQsetNoticeProcessor(raw_.get(), pass_notice, &notice);
    PQsetnonblocking(raw_.get(), 1);
    socket_ = std::make_unique<socket_watch>(loop_, PQsocket(raw_.get()));
    co_await set_up();
}

connection::connection(std::unique_ptr<session> s) noexcept : session_(std::move(s)) {}

connection::~connection() = default;

task<std::unique_ptr<connection>> connection::open(potoo::loop& l, settings s, std::string name)
{
    const duration patience = s.connect_timeout;
    auto made = std::make_unique<session>(l, std::move(s));
    const auto connected = co_await in_time(made->connect(std::move(name)), l.now() + patience);
    if (!connected)
        throw error(fmt::format("no connection to the server within {}", format_duration(patience)), "timed_out", true);
    co_return std::unique_ptr<connection>(new connection(std::move(made)));
}

task<completion> connection::query(const std::string& statement, const std::vector<parameter>& parameters,
                                   row_sink& rows)
{
    return session_->query(statement, parameters, rows);
}

task<completion> connection::run(std::string statements)
{
    return session_->run(std::move(statements));
}

task<> connection::reset(std::string name)
{
    branch& here = co_await this_branch();
    const auto answered = co_await in_time(session_->reset(std::move(name)), here.loop().now() + reset_grace);
    if (!answered)
        throw error("the server does not answer", "connection_lost", true);
}

std::vector<notification> connection::take_notifications()
{
    return session_->take_notifications();
}

task<> connection::wait_readable()
{
    return session_->wait_readable();
}

void connection::on_notice(std::function<void(std::string_view)> f)
{
    session_->notice = std::move(f);
}

bool connection::usable() const noexcept
{
    return session_->usable();
}

bool connection::in_transaction() const noexcept
{
    return PQtransactionStatus(session_->raw()) != PQTRANS_IDLE;
}

bool connection::end_is_unconfirmed() const noexcept
{
    return session_->unconfirmed();
}

int connection::server_version() const noexcept
{
    return PQserverVersion(session_->raw());
}

int connection::pid() const noexcept
{
    return PQbackendPID(session_->raw());
}

} // namespace potoo::postgres
