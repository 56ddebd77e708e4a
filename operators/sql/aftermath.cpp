#include "aftermath.hpp"

#include <potoo/launch_intent.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo::sql {
namespace {

constexpr duration between_looks{100};
constexpr duration first_delay{500};
constexpr duration longest_delay{10'000};
constexpr duration grace{60'000};
constexpr int has_xact_status = 130'000; ///< as connection::server_version

/// The first cell of the last row.
struct last_cell final : postgres::row_sink
{
    void columns(std::span<const postgres::column>) override {}

    wish row(std::span<const postgres::cell> cells) override
    {
        ++rows;
        text = !cells.empty() && cells[0] ? std::optional(std::string(*cells[0])) : std::nullopt;
        return wish::more;
    }

    std::size_t rows = 0;
    std::optional<std::string> text;
};

/// A role sees its own sessions, and may end them.
task<> end_sessions(postgres::connection& c, const std::string& name)
{
    const std::string statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                  "WHERE application_name = $1 AND pid <> pg_backend_pid()";
    const std::vector<postgres::parameter> parameters{name};
    for (;;) {
        last_cell found;
        co_await c.query(statement, parameters, found);
        if (found.rows == 0)
            co_return;
        co_await sleep_for(between_looks);
    }
}

task<fate> ask(context& ctx, postgres::pool& p, std::optional<std::string> transaction)
{
    auto c = co_await p.acquire("potoo");
    co_await end_sessions(*c, ctx.token().value());
    if (!transaction)
        co_return fate::unknown;
    const std::string statement =
        c->server_version() >= has_xact_status ? "SELECT pg_xact_status($1::xid8)" : "SELECT txid_status($1::bigint)";
    const std::vector<postgres::parameter> parameters{*transaction};
    for (;;) {
        last_cell said;
        co_await c->query(statement, parameters, said);
        if (said.text == "committed")
            co_return fate::committed;
        if (said.text == "aborted")
            co_return fate::rolled_back;
        if (!said.text)
            co_return fate::unknown;
        co_await sleep_for(between_looks);
    }
}

task<fate> ask_patiently(context& ctx, postgres::pool& p, std::optional<std::string> transaction)
{
    for (duration delay = first_delay;; delay = std::min(delay * 2, longest_delay)) {
        std::string trouble;
        try {
            auto f = co_await ask(ctx, p, transaction);
            co_return f;
        } catch (const postgres::error& e) {
            if (!e.retryable())
                throw;
            trouble = e.what();
        }
        ctx.log("cannot ask what became of the statement: " + trouble + "; asking again");
        co_await sleep_for(delay);
    }
}

/// After the attempt was told to stop. @return nothing when the server could not be asked
task<std::optional<fate>> ask_in_grace(context& ctx, postgres::pool& p, std::optional<std::string> transaction)
{
    std::string trouble = "the server could not be asked for a minute";
    try {
        auto f = co_await shield(ask_patiently(ctx, p, std::move(transaction)), ctx.now_steady() + grace);
        co_return f;
    } catch (const cancelled&) {
    } catch (const postgres::error& e) {
        trouble = e.what();
    }
    ctx.mark_unconfirmed(
        fmt::format("it is not known whether the statement of {} still runs: {}", ctx.token().value(), trouble));
    co_return std::nullopt;
}

} // namespace

earlier recall(context& ctx)
{
    (void)ctx.claim_token();
    const auto commit = ctx.recorded("sql_commit");
    earlier e;
    e.sent = launch_intended(ctx);
    if (commit) {
        e.transaction = std::string(commit->as_object().at("transaction").as_string());
        e.output = commit->as_object().at("output");
    }
    return e;
}

task<> record_commit(context& ctx, std::string transaction, const json::value& output)
{
    json::object fact;
    fact["transaction"] = json::string(transaction);
    fact["output"] = output;
    co_await ctx.record("sql_commit", std::move(fact));
}

task<fate> find_fate(context& ctx, postgres::pool& p, std::optional<std::string> transaction)
{
    cancel_reason stopped = cancel_reason::none;
    try {
        auto f = co_await ask_patiently(ctx, p, transaction);
        co_return f;
    } catch (const cancelled& c) {
        stopped = c.reason();
    } catch (const postgres::error& e) {
        ctx.mark_unconfirmed("it cannot be asked what became of the statement: " + std::string(e.what()));
        throw;
    }
    if (detaches(stopped))
        throw cancelled(stopped);
    const auto f = co_await ask_in_grace(ctx, p, std::move(transaction));
    if (f != fate::committed)
        throw cancelled(stopped);
    co_return *f;
}

} // namespace potoo::sql
