#pragma once
/// @file
/// Rows under headings.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace potoo::cli {

class table
{
  public:
    enum class align
    {
        left,
        right,
    };

    struct column
    {
        std::string heading;
        align side = align::left;
    };

    explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

    /// @throws std::invalid_argument when there are not as many cells as columns
    void add(std::vector<std::string> cells);

    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    /// Lines that end with a line feed and carry no spaces before it. Control characters are shown as `?`.
    /// @param width of the window, which the last column is cut to; 0 = nothing is cut
    [[nodiscard]] std::string text(std::size_t width = 0, bool utf8 = true) const;

  private:
    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace potoo::cli
