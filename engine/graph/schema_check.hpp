#pragma once
/// @file
/// JSON Schema (draft 7) over JSON values, some of which may hold expressions that are not evaluated yet.
///
/// Valijson reads schemas and resolves their references; the walk over its constraints is ours, because it must know a
/// third answer besides "valid" and "invalid": "not known before the expression is evaluated".

#include <potoo/json.hpp>
#include <potoo/operator.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace potoo::graph {

/// A step down a JSON value: the name of a member, or the position of an element.
using path_step = std::variant<std::string, std::size_t>;

/// Where a value does not match its schema.
struct schema_problem
{
    std::vector<path_step> path; ///< from the root of the value
    bool at_key = false;         ///< the name of the last step is the problem, not its value
    std::string message;         ///< what is wanted, without the path
    std::string suggestion;      ///< the nearest right spelling, or empty
};

/// `with.submit.url`, `items[3]`: `root` and the steps. Names that are no identifiers are quoted.
[[nodiscard]] std::string format_path(std::string_view root, const std::vector<path_step>& path);

/// A schema is not one.
class schema_error : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

enum class expressions : std::uint8_t
{
    absent,  ///< every string is what it says
    present, ///< a string that holds `${{` is not evaluated yet
};

/// A compiled schema. Immutable; copies share it.
class compiled_schema
{
  public:
    /// @throws schema_error with what is wrong with the schema
    explicit compiled_schema(const json::value& schema);

    /// @param late members of `v` that are rendered later: not looked at, and not missed when they are not there
    /// @param most problems after which no more are looked for
    /// @return all that is wrong with `v`; empty when it matches
    [[nodiscard]] std::vector<schema_problem> check(const json::value& v, expressions e = expressions::absent,
                                                    std::span<const std::string> late = {},
                                                    std::size_t most = std::numeric_limits<std::size_t>::max()) const;

    struct state;

  private:
    std::shared_ptr<const state> state_;
};

/// Validates a rendered `with`, or what is rendered of it before the operator runs, against its operator's schema.
/// Schemas are compiled once for each operator.
/// @param rendered the operator's late properties may be missing, or be there as written: they are not looked at
/// @return messages such as "with.url: must be a string, not the number 3"; empty when it matches
[[nodiscard]] std::vector<std::string> check_with(const operator_entry& op, const json::value& rendered);

/// The compiled schema of an operator's `with`. @throws schema_error
[[nodiscard]] const compiled_schema& schema_of(const operator_entry& op);

} // namespace potoo::graph
