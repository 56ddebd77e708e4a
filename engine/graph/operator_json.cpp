#include "engine/graph/operator_json.hpp"

namespace potoo::graph {

json::object describe_operator(const operator_entry& op)
{
    return {{"name", op.name},
            {"kind", op.sensor ? "sensor" : "operator"},
            {"summary", op.summary},
            {"schema", op.schema},
            {"late", json::value_from(op.late)},
            {"late_names", json::value_from(op.late_names)},
            {"example", op.example}};
}

} // namespace potoo::graph
