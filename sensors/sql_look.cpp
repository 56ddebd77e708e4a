#include "sql_look.hpp"

#include <potoo/concurrency.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace potoo::sql {
namespace {

constexpr duration roll_back_grace{5'000};
constexpr std::uint32_t type_numeric = 1700;

struct first_row final : postgres::row_sink
{
    void columns(std::span<const postgres::column> c) override { of.assign(c.begin(), c.end()); }

    wish row(std::span<const postgres::cell> cells) override
    {
        if (value)
            return wish::cancel_rest;
        json::object all;
        for (std::size_t i = 0; i < cells.size(); ++i)
            all[of[i].name] = postgres::to_json(of[i].type, cells[i]);
        if (!cells.empty())
            value = json::object{{"value", postgres::to_json(of[0].type, cells[0])}, {"row", std::move(all)}};
        return wish::more;
    }

    std::vector<postgres::column> of;
    std::optional<json::value> value;
};

/// Larger than JSON's numbers it is text.
bool is_other_than_zero(std::string_view numeric)
{
    return std::any_of(numeric.begin(), numeric.end(), [](char c) { return c >= '1' && c <= '9'; });
}

bool is_true(const json::value& v, std::uint32_t type)
{
    if (v.is_null())
        return false;
    if (v.is_bool())
        return v.get_bool();
    if (v.is_number())
        return v.to_number<double>() != 0;
    if (type == type_numeric)
        return is_other_than_zero(v.as_string());
    throw fatal(fmt::format("the statement's first column must be boolean or a number, and holds {}: select a "
                            "condition, as in `select count(*) > 0 from …`",
                            json::serialize(v).substr(0, 100)),
                "not_a_condition");
}

task<> roll_back(postgres::connection& c)
{
    try {
        co_await c.run("ROLLBACK");
    } catch (const postgres::error&) {
        // The session has ended, and the transaction with it.
    } catch (const cancelled&) {
        // The session ends now, instead.
    }
}

task<> ask(postgres::connection& c, const std::string& statement, const std::vector<postgres::parameter>& parameters,
           first_row& found)
{
    co_await c.run("BEGIN READ ONLY");
    co_await c.query(statement, parameters, found);
}

} // namespace

task<std::optional<json::value>> look(context& ctx, postgres::pool& p, std::string statement,
                                      std::vector<postgres::parameter> parameters)
{
    first_row found;
    try {
        auto c = co_await p.acquire(ctx.token().value());
        std::exception_ptr trouble;
        try {
            co_await ask(*c, statement, parameters, found);
        } catch (...) {
            trouble = std::current_exception();
        }
        if (c->usable() && c->in_transaction())
            co_await shield(roll_back(*c), ctx.now_steady() + roll_back_grace);
        if (trouble)
            std::rethrow_exception(trouble);
    } catch (const postgres::error& e) {
        postgres::raise(e, statement);
    }
    if (!found.value || !is_true(found.value->at("value"), found.of[0].type))
        co_return std::nullopt;
    co_return std::move(found.value);
}

} // namespace potoo::sql
