#pragma once
/// @file
/// Keeps secrets out of everything that is written or shown.

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::runtime {

class secret_mask
{
  public:
    /// From now on `value` is replaced by `***`, also as JSON writes it, and so is each of its lines of six bytes or
    /// more. Shorter than three bytes it cannot be told from other text and is refused.
    /// @return false when it is too short
    bool add(std::string value);

    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }

    /// `text` with every secret replaced, and every byte that is not valid UTF-8 by U+FFFD.
    [[nodiscard]] std::string clean(std::string_view text) const;

    /// The same for every string and key in `v`.
    void clean(json::value& v) const;

  private:
    void add_form(std::string_view form);

    std::vector<std::string> values_; ///< longest first, so that one that contains another goes whole
};

} // namespace potoo::runtime
