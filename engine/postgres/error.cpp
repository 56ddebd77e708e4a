#include "engine/text/characters.hpp"

#include <potoo/postgres.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::postgres {
namespace {

constexpr std::size_t longest_quoted_line = 200;

bool is_retryable(std::string_view sqlstate)
{
    constexpr std::array<std::string_view, 5> classes = {"08", "53", "57P", "58", "P0"};
    constexpr std::array<std::string_view, 4> states = {"40001", "40P01", "55P03", "57014"};
    // The protocol was violated: by a statement with fewer parameters than it names, for one.
    if (sqlstate == "08P01")
        return false;
    return std::ranges::any_of(classes, [&](std::string_view c) { return sqlstate.starts_with(c); }) ||
           std::ranges::find(states, sqlstate) != states.end();
}

struct place
{
    std::size_t line = 1;
    std::size_t column = 1;
    std::string_view text; ///< of that line
};

/// @param position in characters, from 1
place find_place(std::string_view statement, std::size_t position)
{
    place p;
    std::size_t begin = 0;
    std::size_t at = 0;
    for (std::size_t n = 1; n < position && at < statement.size(); ++n) {
        if (statement[at] == '\n') {
            ++p.line;
            p.column = 0;
            begin = at + 1;
        }
        ++p.column;
        for (++at; at < statement.size() && text::continues_character(statement[at]);)
            ++at;
    }
    p.text = statement.substr(begin, statement.find('\n', begin) - begin);
    return p;
}

std::string with_place(const error& e, std::string_view statement)
{
    if (e.position() == 0 || statement.empty())
        return e.what();
    const place p = find_place(statement, e.position());
    const bool cut = p.text.size() > longest_quoted_line;
    return fmt::format("{} (line {}, column {} of the statement: {}{})", e.what(), p.line, p.column,
                       p.text.substr(0, longest_quoted_line), cut ? "…" : "");
}

} // namespace

error error::of_state(const std::string& message, const std::string& sqlstate, std::size_t position)
{
    const bool refused = sqlstate.starts_with("28");
    error e(message, refused ? "unauthorized" : "sql_" + sqlstate, is_retryable(sqlstate));
    e.sqlstate_ = sqlstate;
    e.position_ = position;
    return e;
}

void raise(const error& e, std::string_view statement)
{
    const std::string message = with_place(e, statement);
    if (e.retryable())
        throw failure(message, e.code());
    throw fatal(message, e.code());
}

} // namespace potoo::postgres
