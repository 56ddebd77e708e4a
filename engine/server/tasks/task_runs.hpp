#pragma once
/// @file
/// The runs of single tasks as those who keep tasks need them.

#include "engine/graph/dag.hpp"
#include "engine/host/request_result.hpp"
#include "engine/journal/store.hpp"
#include "engine/runtime/run_origin.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace potoo::server {

/// What a run of one task is made from.
struct task_run
{
    run_id id;
    std::shared_ptr<const graph::dag> dag;
    runtime::run_origin origin;
};

/// `carried_task_runs` are the real ones.
class task_runs
{
  public:
    virtual ~task_runs() = default;

    [[nodiscard]] virtual run_id make_id() = 0;

    /// In the journal when it returns.
    [[nodiscard]] virtual task<> start(task_run wish) = 0;

    /// Asks the run to stop, carried or not; recorded when it returns.
    [[nodiscard]] virtual task<host::request_result> cancel(run_id id) = 0;

    /// @return nothing when the journal knows no such run
    [[nodiscard]] virtual std::optional<journal::run_row> find(const run_id& id) = 0;

    /// Those under way whose end may be in the journal already.
    [[nodiscard]] virtual std::vector<run_id> ending() = 0;

    /// Output and error of the run's task, once it has ended; null where there is none.
    struct result
    {
        json::value output;
        json::value error;
    };

    [[nodiscard]] virtual result result_of(const run_id& id) = 0;
};

} // namespace potoo::server
