#pragma once
/// @file
/// Reads single values of a DAG file: the right type, in the right range, or a problem that shows the right form.

#include "engine/graph/document.hpp"
#include "engine/graph/spelling.hpp"

#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

/// Every function takes the name of the field for messages, and returns nothing after it reported a problem.
class field_reader
{
  public:
    explicit field_reader(diagnostic_sink& problems) : problems_(problems) {}

    /// `n` must be a map. @param form shown when it is not
    bool is_map(std::string_view field, node_view n, std::string_view form);

    /// Reports every key of a map that is not known. @param place such as "a task" or "`retry`"
    void check_keys(node_view map, std::string_view place, std::span<const std::string_view> known,
                    std::span<const synonym> synonyms = {});

    std::optional<std::string> text(std::string_view field, node_view n);
    std::optional<bool> boolean(std::string_view field, node_view n);
    std::optional<std::int64_t> whole(std::string_view field, node_view n, std::int64_t least, std::int64_t most);
    std::optional<double> number(std::string_view field, node_view n, double least, double most);
    std::optional<duration> time_span(std::string_view field, node_view n, duration least);

    /// A list of strings, or one string.
    std::optional<std::vector<std::string>> texts(std::string_view field, node_view n);

    /// A name of a task, pool, secret or connection: `[A-Za-z_][A-Za-z0-9_-]*`, at most 128 characters.
    bool check_name(std::string_view what, node_view key);

    [[nodiscard]] std::size_t problems_so_far() const noexcept { return problems_.size(); }

    void problem(mark where, std::string message, std::string suggestion = {});

  private:
    void wrong(std::string_view field, node_view n, std::string_view wanted);

    diagnostic_sink& problems_;
};

} // namespace potoo::graph
