#pragma once
/// @file
/// What is wrong with a DAG file, and how that is shown.

#include "engine/graph/dag.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::graph {

/// One problem of a file, with its place.
struct diagnostic
{
    mark where;               ///< `column` counts characters, not bytes; line 0 = the file as a whole
    std::string message;      ///< what was found and what is wanted, without a final stop
    std::string suggestion;   ///< the nearest right spelling, or empty
    std::string excerpt_line; ///< the source line, cut to a window around the place when it is long
    std::uint32_t caret = 0;  ///< column of the place within `excerpt_line`, from 1; 0 = no excerpt
};

/// `file:line:column: error: message; did you mean `x`?`, then the source line and a caret under the place. Ends with a
/// newline.
[[nodiscard]] std::string format_diagnostic(std::string_view source_name, const diagnostic& d);

/// Gathers problems while a file is read. Marks are taken as the readers give them, in bytes.
class diagnostic_sink
{
  public:
    /// Problems shown of one file; the others are only counted.
    static constexpr std::size_t shown_at_most = 100;

    void add(mark where, std::string message, std::string suggestion = {});

    [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return problems_.size(); }

    /// In order of place, repeats removed, at most `shown_at_most`, excerpts filled in from `source`.
    /// @return the problems, and how many more there were
    [[nodiscard]] std::pair<std::vector<diagnostic>, std::size_t> take(std::string_view source);

  private:
    std::vector<diagnostic> problems_;
};

} // namespace potoo::graph
