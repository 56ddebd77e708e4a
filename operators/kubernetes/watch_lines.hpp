#pragma once
/// @file
/// A watch is a body that does not end: one JSON event a line.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace potoo::kubernetes {

/// Puts lines together from pieces of any size.
class line_splitter
{
  public:
    /// No object of the API is larger.
    static constexpr std::size_t longest_line = std::size_t{8} << 20;

    /// Takes a line without its end. @return false to have no more
    using line_sink = std::function<bool(std::string_view line)>;

    explicit line_splitter(line_sink sink) : sink_(std::move(sink)) {}

    /// Blank lines are left out. @return false when the sink wants no more, or a line is too long
    [[nodiscard]] bool add(std::string_view piece);

  private:
    line_sink sink_;
    std::string begun_;
};

} // namespace potoo::kubernetes
