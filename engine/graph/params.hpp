#pragma once
/// @file
/// The parameters of a run: defaults filled in, values checked against their schemas.

#include "engine/graph/dag.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::graph {

/// Something wrong with the value given for a parameter.
struct param_problem
{
    std::string name;       ///< of the parameter
    std::string message;    ///< begins with the name, in backquotes
    std::string suggestion; ///< the nearest declared name, or empty
};

struct params_result
{
    json::object values; ///< of every declared parameter that has a value, in file order; `null` for none is not put in
    std::vector<param_problem> problems;
};

/// Fills in defaults and checks `given`: unknown names, values that do not match their schema, and parameters without a
/// default that were not given are problems.
[[nodiscard]] params_result check_params(const dag& d, const json::object& given);

struct param_value
{
    json::value value;
    std::vector<param_problem> problems; ///< empty when `value` is good so far; its schema is checked by `check_params`
};

/// The text of `-p name=text` as the parameter's schema wants it: where the schema takes a string only, or does not say
/// what it takes and the text is no JSON, the text itself; otherwise the text parsed as JSON.
[[nodiscard]] param_value parse_param(const dag& d, std::string_view name, std::string_view text);

} // namespace potoo::graph
