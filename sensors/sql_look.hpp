#pragma once
/// @file
/// Asking PostgreSQL whether something is true, without changing anything.

#include <potoo/context.hpp>
#include <potoo/postgres.hpp>

#include <optional>
#include <string>
#include <vector>

namespace potoo::sql {

/// Runs the statement in a transaction that can only read, and looks at the first cell of its first row: `true` and
/// every number but 0 are true.
/// @return `{value, row}` when it is true
/// @throws failure, or fatal for what will not change, such as a cell of another type
[[nodiscard]] task<std::optional<json::value>> look(context& ctx, postgres::pool& p, std::string statement,
                                                    std::vector<postgres::parameter> parameters);

} // namespace potoo::sql
