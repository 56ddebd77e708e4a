#pragma once
/// @file
/// The token that slurmrestd wants: a JWT that lives for a while, and is read again before it ends.

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/process.hpp>
#include <potoo/wait.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::slurm {

/// What a call needs of the engine. Unlike the attempt's context it is there for as long as the engine.
struct outside
{
    potoo::loop& loop;
    http_client& http;
    process_runner& processes;
};

/// What a JWT says of itself. Nothing of it is verified here.
struct token_claims
{
    std::optional<std::int64_t> issued;  ///< seconds since 1970
    std::optional<std::int64_t> expires; ///< likewise
    std::string user;                    ///< empty: it does not say
};

/// All are empty for what is no JWT.
[[nodiscard]] token_claims read_claims(std::string_view token);

struct token_source
{
    enum class kind : std::uint8_t
    {
        literal, ///< of the connection
        variable,
        file,
        command,
    };

    kind from = kind::variable;
    std::string text;                 ///< the token, or its variable's name, or the file's
    std::vector<std::string> command; ///< program and arguments

    /// `the connection's token`, `the variable SLURM_JWT`, `the file x`, `the command x`: never the token.
    [[nodiscard]] std::string description() const;
};

/// Shared by all that speak to one service as one user.
class credentials
{
  public:
    struct bearer
    {
        std::string token;
        unsigned generation = 0; ///< counts the tokens there have been
    };

    explicit credentials(token_source s) : source_(std::move(s)) {}

    /// The token; read again before it expires.
    /// @throws failure `no_credentials` when there is none to be had, fatal when it is not such that it could be sent
    [[nodiscard]] task<bearer> current(outside o);

    /// The service refused the token of that generation. @return true when there is another one now
    [[nodiscard]] task<bool> renew(outside o, unsigned refused);

    /// The service let the token of that generation in.
    void accepted(unsigned generation) noexcept { accepted_ = generation; }

    /// Should the token of that generation be refused now: whether it may yet have been good when it was sent.
    [[nodiscard]] bool may_have_been_good(unsigned generation, wall_time sent, wall_time now) const;

    /// The latest token; empty before the first was read.
    [[nodiscard]] const std::string& latest() const noexcept { return token_; }

    [[nodiscard]] unsigned generation() const noexcept { return generation_; }

    [[nodiscard]] const token_source& source() const noexcept { return source_; }

    /// ` (from …; it expired at …; it is of the user …)`: what can be told of a token that is refused.
    [[nodiscard]] std::string remarks(wall_time now, std::string_view user) const;

  private:
    [[nodiscard]] bool is_due(wall_time now) const;

    task<> read(outside o);
    task<> read_if_due(outside o);

    token_source source_;
    std::string token_;
    token_claims claims_;
    unsigned generation_ = 0;
    unsigned accepted_ = 0; ///< the last generation that was let in
    steady_time read_at_ = steady_time::min();
    semaphore turn_{1};
};

} // namespace potoo::slurm
