#pragma once
/// @file
/// From the text of a DAG file to a `dag`, with everything checked that can be checked before anything runs.

#include "engine/graph/dag.hpp"
#include "engine/graph/diagnostic.hpp"

#include <potoo/operator.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

enum class source_format : std::uint8_t
{
    by_name, ///< `.json` is JSON, `.yaml` and `.yml` are YAML; otherwise text that begins with `{` is JSON
    yaml,
    json,
};

/// Largest source that is read, in bytes.
inline constexpr std::size_t max_source_size = std::size_t{256} * 1024 * 1024;

struct load_options
{
    source_format format = source_format::by_name;
    std::vector<std::string> secrets{}; ///< that are there without the file's saying so
    bool any_secret = false; ///< so is any other: whether it is, is seen when it is used. For files checked before
};

struct load_result
{
    std::shared_ptr<const dag> value; ///< null exactly when there are problems
    std::string source_name;          ///< as given
    std::vector<diagnostic> problems; ///< in order of place
    std::size_t problems_left_out = 0;
};

/// Reads and validates a whole DAG file: syntax, keys, types, names, expressions, references, cycles, and every `with`
/// against its operator's JSON Schema. All problems are reported at once. Does not touch the file system, but for the
/// time zone database when the file names a `timezone`.
///
/// @param source the file's text; it becomes `dag::source`
/// @param source_name for messages, and its stem is the DAG's name when the file gives none
/// @param operators need not outlive the result
[[nodiscard]] load_result load_dag(std::string source, std::string source_name, const operator_registry& operators,
                                   const load_options& options = {});

/// The `plugins` of a DAG file, to be loaded before the file is: they bring operators with them. Checks nothing; empty
/// when the file cannot be read, or says something else there, which `load_dag` then reports.
[[nodiscard]] std::vector<std::string> plugins_of(std::string_view source, std::string_view source_name,
                                                  source_format format = source_format::by_name);

/// All of `problems` as `format_diagnostic` shows them, then how many more there are. Empty when there are none.
[[nodiscard]] std::string format_diagnostics(const load_result& result);

} // namespace potoo::graph
