#include "engine/host/recorded_dag.hpp"

#include "engine/graph/load.hpp"

#include <potoo/operator.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace potoo::host {

std::shared_ptr<const graph::dag> load_recorded_dag(journal::reader& journal, const journal::run_row& run)
{
    const journal::dag_document document = journal.dag_of(run.number);
    graph::load_result loaded =
        graph::load_dag(document.source, document.source_name, operators(), {.any_secret = true});
    if (!loaded.value)
        throw std::runtime_error(
            fmt::format("run {} cannot go on: its DAG does not load any more (is a plugin missing?)\n{}",
                        run.id.value(), graph::format_diagnostics(loaded)));
    return loaded.value;
}

} // namespace potoo::host
