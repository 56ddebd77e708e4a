#include "engine/postgres/session.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace potoo::postgres {
namespace {

constexpr duration between_cancel_requests{1'000};
constexpr duration cancel_grace{5'000};
constexpr duration cancel_grace_detached{3'000};
constexpr duration terminate_grace{15'000};
constexpr duration between_looks{100};

using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string field(const PGresult& r, int code)
{
    const char* text = PQresultErrorField(&r, code);
    return text ? text : "";
}

std::size_t number_in(std::string_view text)
{
    std::size_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

error error_of(const PGresult& r)
{
    std::string message = field(r, PG_DIAG_MESSAGE_PRIMARY);
    for (const int code : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT}) {
        if (const std::string more = field(r, code); !more.empty())
            message += ". " + more;
    }
    return error::of_state(message, field(r, PG_DIAG_SQLSTATE), number_in(field(r, PG_DIAG_STATEMENT_POSITION)));
}

std::optional<std::uint64_t> rows_affected(PGresult& r)
{
    const std::string_view text = PQcmdTuples(&r);
    if (text.empty())
        return std::nullopt;
    return number_in(text);
}

struct any_row final : row_sink
{
    void columns(std::span<const column>) override {}

    wish row(std::span<const cell>) override
    {
        there = true;
        return wish::more;
    }

    bool there = false;
};

/// @return false when it was told to stop before that
task<bool> ends(task<> t)
{
    try {
        co_await std::move(t);
        co_return true;
    } catch (const cancelled&) {}
    co_return false;
}

/// A broken connection ends nothing at the server.
task<bool> ends_well(task<> t)
{
    try {
        co_await std::move(t);
        co_return true;
    } catch (const cancelled&) {
    } catch (const error&) {}
    co_return false;
}

} // namespace

task<> socket_watch::readable()
{
    auto ready = co_await descriptor_.async_wait(decltype(descriptor_)::wait_read, use_task);
    if (!ready)
        throw error("the connection was lost: " + ready.error().message(), "connection_lost", true);
}

task<> socket_watch::writable()
{
    auto ready = co_await descriptor_.async_wait(decltype(descriptor_)::wait_write, use_task);
    if (!ready)
        throw error("the connection was lost: " + ready.error().message(), "connection_lost", true);
}

error connection::session::lost() const
{
    std::string why = PQerrorMessage(raw_.get());
    for (char& c : why) {
        if (c == '\n')
            c = ' ';
    }
    while (why.ends_with(' '))
        why.pop_back();
    return error(fmt::format("the connection to the server was lost{}{}", why.empty() ? "" : ": ", why),
                 "connection_lost", true);
}

void connection::session::send(const std::string& statement, const std::vector<parameter>& parameters)
{
    std::vector<const char*> values;
    for (const parameter& p : parameters)
        values.push_back(p ? p->c_str() : nullptr);
    if (statement.find('\0') != std::string::npos)
        throw error("the statement holds a zero byte", "not_supported", false);
    if (PQsendQueryParams(raw_.get(), statement.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0) == 0)
        throw lost();
    busy_ = true;
    PQsetSingleRowMode(raw_.get());
}

task<> connection::session::flush()
{
    for (int left = PQflush(raw_.get()); left != 0; left = PQflush(raw_.get())) {
        if (left < 0)
            throw lost();
        co_await socket_->writable();
        if (PQconsumeInput(raw_.get()) == 0)
            throw lost();
    }
}

/// Reads until the server has nothing more to say to what was sent.
task<> connection::session::exchange(progress& p)
{
    co_await flush();
    for (;;) {
        while (PQisBusy(raw_.get()) == 0) {
            const result r(PQgetResult(raw_.get()), PQclear);
            if (!r) {
                busy_ = false;
                co_return;
            }
            take(p, *r);
        }
        if (p.wish == row_sink::wish::cancel_rest && !p.cancel_asked) {
            p.cancel_asked = true;
            co_await request_cancel();
        }
        co_await socket_->readable();
        if (PQconsumeInput(raw_.get()) == 0)
            throw last_words(p);
    }
}

/// The connection is broken: what the server said before, if it did, tells more.
error connection::session::last_words(progress& p)
{
    for (;;) {
        const result r(PQgetResult(raw_.get()), PQclear);
        if (!r)
            return p.failed.value_or(lost());
        if (PQresultStatus(r.get()) == PGRES_FATAL_ERROR && !p.failed && !field(*r, PG_DIAG_SQLSTATE).empty())
            p.failed = error_of(*r);
    }
}

void connection::session::take_row(progress& p, const PGresult& r)
{
    if (!p.rows)
        return;
    const int n = PQnfields(&r);
    if (!p.columns_given) {
        p.columns_given = true;
        std::vector<column> columns;
        for (int i = 0; i < n; ++i)
            columns.push_back({PQfname(&r, i), PQftype(&r, i)});
        p.rows->columns(columns);
    }
    if (p.wish != row_sink::wish::more || PQntuples(&r) == 0)
        return;
    std::vector<cell> cells;
    for (int i = 0; i < n; ++i) {
        cells.push_back(
            PQgetisnull(&r, 0, i)
                ? cell()
                : cell(std::string_view(PQgetvalue(&r, 0, i), static_cast<std::size_t>(PQgetlength(&r, 0, i)))));
    }
    p.wish = p.rows->row(cells);
}

void connection::session::take(progress& p, const PGresult& r)
{
    switch (PQresultStatus(&r)) {
    case PGRES_SINGLE_TUPLE:
        take_row(p, r);
        break;
    case PGRES_TUPLES_OK:
        take_row(p, r);
        [[fallthrough]];
    case PGRES_COMMAND_OK:
        p.done.command = PQcmdStatus(const_cast<PGresult*>(&r));
        p.done.rows_affected = rows_affected(const_cast<PGresult&>(r));
        break;
    case PGRES_EMPTY_QUERY:
        p.failed = error("the statement is empty", "not_supported", false);
        break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
        if (field(r, PG_DIAG_SQLSTATE).empty())
            throw p.failed.value_or(lost());
        p.failed = error_of(r);
        if (p.cancel_asked && p.failed->sqlstate() == "57014") {
            p.failed.reset();
            p.done.cut = true;
        }
        break;
    default:
        // The session cannot go on: it waits for data that nobody has.
        throw error("COPY from or to the client is not supported: use a file of the server, or psql", "not_supported",
                    false);
    }
}

task<> connection::session::request_cancel()
{
    const std::shared_ptr<PGcancel> handle(PQgetCancel(raw_.get()), PQfreeCancel);
    if (!handle)
        co_return;
    auto ask = [handle] {
        char why[256];
        PQcancel(handle.get(), why, sizeof why);
    };
    co_await blocking(std::move(ask));
}

task<> connection::session::cancel_until_ended(progress& p)
{
    for (bool ended = false; !ended;) {
        co_await request_cancel();
        ended = co_await ends(with_deadline(exchange(p), loop_.now() + between_cancel_requests));
    }
}

/// Ends the session by another one, and waits until it is not there any more.
task<> connection::session::end_from_outside()
{
    const std::string pid = std::to_string(PQbackendPID(raw_.get()));

    any_row look;

    const std::string statement =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = $2";
    const std::vector<parameter> who{pid, name_};
    auto other = co_await connection::open(loop_, settings_, "potoo");
    do {
        look.there = false;
        co_await other->query(statement, who, look);
        if (look.there)
            co_await sleep_for(between_looks);
    } while (look.there);
}

/// Returns when the statement has come to an end.
task<> connection::session::stop(progress& p, cancel_reason why)
{
    p.wish = row_sink::wish::drop_rest;
    const bool brief = detaches(why);
    const steady_time end = loop_.now() + (brief ? cancel_grace_detached : cancel_grace);
    const bool ended = co_await ends_well(shield(cancel_until_ended(p), end));
    if (ended)
        co_return;
    if (!brief) {
        const bool gone = co_await ends_well(shield(end_from_outside(), loop_.now() + terminate_grace));
        unconfirmed_ = !gone;
    }
    throw cancelled(why);
}

task<completion> connection::session::query(const std::string& statement, const std::vector<parameter>& parameters,
                                            row_sink& rows)
{
    send(statement, parameters);
    progress p;
    p.rows = &rows;
    cancel_reason stopped = cancel_reason::none;
    try {
        co_await exchange(p);
    } catch (const cancelled& c) {
        stopped = c.reason();
    }
    if (stopped != cancel_reason::none) {
        co_await stop(p, stopped);
        if (p.failed)
            throw cancelled(stopped);
    }
    if (p.failed)
        throw error(*p.failed);
    co_return std::move(p.done);
}

task<completion> connection::session::run(std::string statements)
{
    if (PQsendQuery(raw_.get(), statements.c_str()) == 0)
        throw lost();
    busy_ = true;
    progress p;
    co_await exchange(p);
    if (p.failed)
        throw error(*p.failed);
    co_return std::move(p.done);
}

task<> connection::session::set_up()
{
    // A statement whose client has died ends soon, instead of going on for nobody.
    if (PQserverVersion(raw_.get()) < 140'000 || !checks_client_)
        co_return;
    try {
        co_await run("SET client_connection_check_interval = '5s'");
    } catch (const error& e) {
        if (e.sqlstate().empty())
            throw;
        checks_client_ = false;
    }
}

task<> connection::session::reset(std::string name)
{
    name_ = std::move(name);
    const std::unique_ptr<char, decltype(&PQfreemem)> quoted(PQescapeLiteral(raw_.get(), name_.data(), name_.size()),
                                                             PQfreemem);
    if (!quoted)
        throw lost();
    const std::string set_name = fmt::format("SET application_name = {}", quoted.get());
    co_await run("DISCARD ALL");
    co_await run(set_name);
    co_await set_up();
}

std::vector<notification> connection::session::take_notifications()
{
    if (PQconsumeInput(raw_.get()) == 0 || PQstatus(raw_.get()) != CONNECTION_OK)
        throw lost();
    std::vector<notification> out;
    for (;;) {
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> n(PQnotifies(raw_.get()), PQfreemem);
        if (!n)
            return out;
        out.push_back({n->relname, n->extra ? n->extra : "", n->be_pid});
    }
}

} // namespace potoo::postgres
