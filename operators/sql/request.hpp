#pragma once
/// @file
/// What an `sql` task asks for.

#include <potoo/context.hpp>
#include <potoo/postgres.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace potoo::sql {

struct request
{
    std::string statement;
    std::vector<postgres::parameter> parameters;
    std::size_t max_rows = 1'000;
    bool read_only = false;
    bool transaction = true;
    bool idempotent = false;
};

/// @throws fatal
[[nodiscard]] request read_request(const context& ctx);

} // namespace potoo::sql
