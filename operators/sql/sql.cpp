#include "aftermath.hpp"
#include "request.hpp"
#include "rows.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/launch_intent.hpp>
#include <potoo/operator.hpp>

#include <fmt/format.h>

namespace {

using namespace potoo;
using namespace potoo::sql;

constexpr duration roll_back_grace{5'000};
constexpr duration commit_grace{60'000};

/// A transaction whose commit was asked for without an answer.
struct doubt
{
    std::string transaction;
    std::string why;
};

struct performed
{
    json::value output;
    std::optional<doubt> in_doubt;
};

postgres::error explained(const postgres::error& e)
{
    const char* hint = nullptr;
    if (e.sqlstate() == "42601" && std::string_view(e.what()).find("multiple commands") != std::string_view::npos)
        hint = "a task runs one statement: give each a task of its own, or put them into a function or a DO block";
    else if (e.sqlstate() == "25001" || e.sqlstate() == "2D000")
        hint = "with `transaction: false` it runs outside of one";
    else if (e.sqlstate() == "25006")
        hint = "the task says `read_only: true`, or the server takes no writes";
    if (!hint)
        return e;
    return postgres::error::of_state(fmt::format("{} ({})", e.what(), hint), e.sqlstate(), e.position());
}

json::value output_of(context& ctx, kept_rows& rows, const postgres::completion& end)
{
    if (rows.too_large())
        ctx.log("not all rows are kept: all together have at most 4 MB");
    return rows.output(end);
}

/// Of a server that takes no writes there is none.
task<std::optional<std::string>> current_transaction(postgres::connection& c)
{
    struct first_cell final : postgres::row_sink
    {
        void columns(std::span<const postgres::column>) override {}

        wish row(std::span<const postgres::cell> cells) override
        {
            if (cells[0])
                text = std::string(*cells[0]);
            return wish::more;
        }

        std::optional<std::string> text;
    } found;

    const std::string statement =
        fmt::format("SELECT CASE WHEN current_setting('transaction_read_only') = 'off' THEN {}()::text END",
                    c.server_version() >= 130'000 ? "pg_current_xact_id" : "txid_current");
    const std::vector<postgres::parameter> none;
    co_await c.query(statement, none, found);
    co_return std::move(found.text);
}

/// Up to where only the commit is left. @return the transaction; none if there is nothing that a commit could lose
task<std::optional<std::string>> work_in_transaction(context& ctx, postgres::connection& c, const request& r,
                                                     json::value& output)
{
    co_await c.run(r.read_only ? "BEGIN READ ONLY" : "BEGIN");
    kept_rows rows(r.max_rows, r.read_only);
    const auto end = co_await c.query(r.statement, r.parameters, rows);
    output = output_of(ctx, rows, end);
    if (!c.in_transaction())
        throw fatal("the statement ended the transaction that it ran in: `transaction: false` gives it none",
                    "transaction_ended");
    if (r.read_only)
        co_return std::nullopt;
    auto transaction = co_await current_transaction(c);
    if (transaction)
        co_await record_commit(ctx, *transaction, output);
    co_return transaction;
}

task<> end_transaction(postgres::connection& c)
{
    try {
        co_await c.run("ROLLBACK");
    } catch (const postgres::error&) {
        // The session has ended, and the transaction with it.
    } catch (const cancelled&) {
        // The session ends now, instead.
    }
}

task<> roll_back(context& ctx, postgres::connection& c)
{
    if (c.end_is_unconfirmed())
        ctx.mark_unconfirmed("the server has not confirmed that the statement of " + ctx.token().value() + " ended");
    if (c.usable() && c.in_transaction())
        co_await shield(end_transaction(c), ctx.now_steady() + roll_back_grace);
}

/// @return why it is not known whether it was done; nothing when it was
task<std::optional<std::string>> commit(context& ctx, postgres::connection& c)
{
    try {
        const auto end = co_await shield(c.run("COMMIT"), ctx.now_steady() + commit_grace);
        if (end.command != "COMMIT")
            throw failure("the server rolled the transaction back", "rolled_back");
        co_return std::nullopt;
    } catch (const cancelled&) {
        co_return "no answer to the commit within " + format_duration(commit_grace);
    } catch (const postgres::error& e) {
        // One that ends the session may come after the server has committed.
        if (c.usable())
            throw;
        co_return e.what();
    }
}

task<performed> in_transaction(context& ctx, postgres::pool::lease& c, const request& r)
{
    performed p;
    std::optional<std::string> transaction;
    std::exception_ptr trouble;
    try {
        transaction = co_await work_in_transaction(ctx, *c, r, p.output);
    } catch (...) {
        trouble = std::current_exception();
    }
    if (!trouble && !transaction) {
        co_await c->run("COMMIT");
        co_return p;
    }
    if (trouble) {
        co_await roll_back(ctx, *c);
        std::rethrow_exception(trouble);
    }
    auto open = co_await commit(ctx, *c);
    if (open)
        p.in_doubt = doubt{std::move(*transaction), std::move(*open)};
    co_return p;
}

[[noreturn]] void raise_unknown(context& ctx, const std::string& why)
{
    throw unknown_outcome(fmt::format("it is not known whether the statement of {} was carried out ({}): see what it "
                                      "has done, then retry the task by hand",
                                      ctx.token().value(), why),
                          "unknown_outcome");
}

task<performed> by_itself(context& ctx, postgres::pool::lease& c, const request& r)
{
    kept_rows rows(r.max_rows, false);
    try {
        const auto end = co_await c->query(r.statement, r.parameters, rows);
        co_return performed{output_of(ctx, rows, end), std::nullopt};
    } catch (const postgres::error& e) {
        if (c->usable() || r.idempotent || e.code() == "not_supported")
            throw;
        raise_unknown(ctx, e.what());
    } catch (const cancelled&) {
        if (c->end_is_unconfirmed())
            ctx.mark_unconfirmed("the server has not confirmed that the statement of " + ctx.token().value() +
                                 " ended");
        throw;
    }
}

task<performed> perform(context& ctx, postgres::pool& p, const request& r)
{
    auto c = co_await p.acquire(ctx.token().value());
    c->on_notice([&ctx](std::string_view line) { ctx.log(line); });
    co_await record_launch_intent(ctx);
    task<performed> work = r.transaction ? in_transaction(ctx, c, r) : by_itself(ctx, c, r);
    auto done = co_await std::move(work);
    co_return done;
}

/// The engine, or the way to the server, broke off before the end of the statement was known.
/// @return its output; nothing when it had no effect, or may be repeated
task<std::optional<json::value>> conclude(context& ctx, postgres::pool& p, const request& r, earlier before,
                                          const std::string& why)
{
    const fate f = co_await find_fate(ctx, p, before.transaction);
    if (f == fate::committed)
        co_return std::move(before.output);
    const bool nothing_done = f == fate::rolled_back || (r.transaction && !before.transaction);
    if (nothing_done || r.idempotent || r.read_only)
        co_return std::nullopt;
    raise_unknown(ctx, why);
}

task<json::value> perform_or_conclude(context& ctx, postgres::pool& p, const request& r)
{
    earlier before = recall(ctx);
    if (before.sent) {
        ctx.log("the engine stopped while the statement ran; looking what became of it");
        auto output = co_await conclude(ctx, p, r, std::move(before), "the engine stopped while it ran");
        if (output)
            co_return std::move(*output);
        ctx.log("it was not carried out, or may be repeated: it runs again");
    }
    auto done = co_await perform(ctx, p, r);
    if (!done.in_doubt)
        co_return std::move(done.output);
    ctx.log("no answer to the commit: " + done.in_doubt->why);
    earlier now{true, std::move(done.in_doubt->transaction), std::move(done.output)};
    auto output = co_await conclude(ctx, p, r, std::move(now), done.in_doubt->why);
    if (!output)
        throw failure("the transaction was rolled back: " + done.in_doubt->why, "connection_lost");
    co_return std::move(*output);
}

task<json::value> run_sql(context& ctx)
{
    const request r = read_request(ctx);
    postgres::pool& p = postgres::pool_for(ctx);
    const context::deferral waits(ctx);
    try {
        auto output = co_await perform_or_conclude(ctx, p, r);
        co_return output;
    } catch (const postgres::error& e) {
        postgres::raise(explained(e), r.statement);
    }
}

} // namespace

POTOO_OPERATOR("sql", run_sql,
               {.summary = "Runs a statement on PostgreSQL, once; its rows are the output.",
                .schema = R"json({
  "type": "object",
  "additionalProperties": false,
  "required": ["statement"],
  "properties": {
    "statement": {"type": "string", "minLength": 1, "description": "One SQL statement. Values belong into `parameters`, where they cannot become code; $1 stands for the first."},
    "parameters": {"type": "array", "description": "Values of $1, $2, …: null, true, false, numbers and text; lists and maps as JSON text. The server finds out the types: write $1::date where it cannot."},
    "max_rows": {"type": "integer", "minimum": 0, "maximum": 1000000, "description": "Rows that are kept, at most; `truncated` says when there were more. All together have at most 4 MB as JSON. Default 1000."},
    "connection": {"type": "string", "minLength": 1, "description": "Name of a connection of type sql. Default: the one called sql, else what libpq's environment says (PGHOST, PGUSER, PGPASSWORD, …)."},
    "read_only": {"type": "boolean", "description": "The statement may change nothing. When there are rows enough it is cancelled. Default false."},
    "transaction": {"type": "boolean", "description": "It runs in a transaction, so that it is carried out once whatever breaks. false: for what cannot, such as VACUUM or CREATE INDEX CONCURRENTLY; when engine or connection break while it runs, the task fails with unknown_outcome. Default true."},
    "idempotent": {"type": "boolean", "description": "To carry it out twice does no harm: it is repeated instead of failing with unknown_outcome. Default false."}
  }
})json",
                .example = R"(clean_up:
  operator: sql
  with:
    statement: delete from staging where sample = $1 and loaded_at < now() - interval '1 day'
    parameters: ["${{ params.sample }}"]
)"})
