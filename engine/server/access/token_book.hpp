#pragma once
/// @file
/// The tokens that callers show. Of a token only the digest is kept: its text is known to whoever was given it.

#include "engine/runtime/ledger.hpp"
#include "engine/server/access/principal.hpp"

#include <potoo/json.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// A token as it is listed.
struct token_row
{
    std::string id;
    std::string name; ///< tokens of one name are one user, so that one can take the place of another
    role may = role::viewer;
    wall_time created{};
    std::optional<wall_time> expires;
    std::optional<wall_time> revoked;
};

/// `id`, `name`, `role`, `created`, `expires`, `revoked`; what is not set is null.
[[nodiscard]] json::object to_json(const token_row& t);

struct token_wish
{
    std::string name;
    role may = role::viewer;
    std::optional<wall_time> expires{};
};

struct new_token
{
    token_row row;
    std::string text; ///< `potoo_ID_SECRET`; nowhere else, and never again
};

enum class token_verdict : std::uint8_t
{
    good,
    unknown, ///< no such token, or not its secret
    expired,
    revoked,
};

struct token_check
{
    token_verdict verdict = token_verdict::unknown;
    token_row row{}; ///< of a token that is known
};

/// `text` with `…` instead of the secret in whatever looks like a token.
[[nodiscard]] std::string without_secrets(std::string_view text);

class token_book
{
  public:
    /// `kept_in` must outlive it. @param unguessable 64 bits that nobody can predict
    token_book(runtime::ledger& kept_in, std::function<std::uint64_t()> unguessable);

    /// @throws std::invalid_argument, with a text for the caller, when the wish makes no sense
    [[nodiscard]] task<new_token> create(token_wish wish, wall_time now);

    /// Takes as long for a wrong secret as for the right one.
    [[nodiscard]] token_check check(std::string_view text, wall_time now);

    /// Whether the token of that id would be let in. @param id empty = no token, which goes as long as there is none
    [[nodiscard]] bool is_good(const std::string& id, wall_time now);

    /// Whether there was ever a token, be it revoked or expired by now.
    [[nodiscard]] bool has_any();

    /// In order of id, those after `after`, at most `limit`; 0 = all.
    [[nodiscard]] std::vector<token_row> list(const std::string& after = {}, std::size_t limit = 0);

    /// From now on it is refused. @return the token; nothing when there is none of that id
    [[nodiscard]] task<std::optional<token_row>> revoke(std::string id, wall_time now);

  private:
    runtime::ledger& kept_in_;
    std::function<std::uint64_t()> unguessable_;
};

} // namespace potoo::server
