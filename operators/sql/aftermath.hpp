#pragma once
/// @file
/// What became of a statement that nobody was told the end of: its engine died, or its connection broke at the commit.

#include <potoo/context.hpp>
#include <potoo/postgres.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace potoo::sql {

/// What the journal tells of the attempt's statement.
struct earlier
{
    bool sent = false;                      ///< or about to be
    std::optional<std::string> transaction; ///< was about to be committed
    json::value output;                     ///< what it yields, once it is committed
};

/// Claims the attempt's token.
[[nodiscard]] earlier recall(context& ctx);

/// The next thing to do is to commit it.
[[nodiscard]] task<> record_commit(context& ctx, std::string transaction, const json::value& output);

enum class fate : std::uint8_t
{
    committed,
    rolled_back,
    unknown, ///< it may have been done, but it surely does not run any more
};

/// Ends the attempt's session if it is still there, waits until it is gone, and asks what became of its transaction;
/// patiently, for as long as the server cannot be asked. Told to stop it goes on for a minute: then the attempt is
/// marked as unconfirmed.
/// @return `unknown` without a transaction
[[nodiscard]] task<fate> find_fate(context& ctx, postgres::pool& p, std::optional<std::string> transaction);

} // namespace potoo::sql
