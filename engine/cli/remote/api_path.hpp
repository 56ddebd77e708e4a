#pragma once
/// @file
/// Paths of a server's API, from whatever people call things.

#include <initializer_list>
#include <string>
#include <string_view>

namespace potoo::cli {

/// `/api/v1/…` with its query. What comes in is escaped.
class api_path
{
  public:
    /// @throws usage_error when one of the segments is empty
    api_path(std::initializer_list<std::string_view> segments);

    /// Adds to the query, unless `value` is empty.
    api_path& with(std::string_view name, std::string_view value);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    std::string text_ = "/api/v1";
    bool has_query_ = false;
};

/// All but letters, digits and `-._~` as `%XX`.
[[nodiscard]] std::string percent_escaped(std::string_view text);

} // namespace potoo::cli
