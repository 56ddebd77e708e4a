#pragma once
/// @file
/// The tokens of a server: asked for there, or in its state directory while it is not at work.

#include "engine/cli/target_options.hpp"

#include <potoo/json.hpp>

#include <memory>
#include <string>

namespace potoo::cli {

struct token_wish
{
    std::string name;
    std::string role;
    std::string expires; ///< a time, or a duration from now; empty = never
};

class token_place
{
  public:
    token_place() = default;
    token_place(const token_place&) = delete;
    token_place& operator=(const token_place&) = delete;
    virtual ~token_place() = default;

    /// The new token, with its text as `text`. @throws usage_error, server_error
    [[nodiscard]] virtual json::object create(const token_wish& wish) = 0;

    [[nodiscard]] virtual json::array list() = 0;

    /// The token as it is now. @throws usage_error, server_error when there is none of that id
    [[nodiscard]] virtual json::object revoke(const std::string& id) = 0;
};

[[nodiscard]] std::unique_ptr<token_place> open_tokens(const target_options& t);

} // namespace potoo::cli
