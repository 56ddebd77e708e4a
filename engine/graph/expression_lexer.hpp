#pragma once
/// @file
/// Text of an expression → tokens.

#include <potoo/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

enum class token_kind : std::uint8_t
{
    end,
    name,
    number,
    string,
    symbol, ///< an operator or a bracket: told apart by its text
};

struct token
{
    token_kind kind = token_kind::end;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string_view text; ///< as written
    json::value value;     ///< of a number or string
};

/// The last token is the end.
/// @throws expression_error
[[nodiscard]] std::vector<token> tokenize(std::string_view source);

} // namespace potoo::graph
