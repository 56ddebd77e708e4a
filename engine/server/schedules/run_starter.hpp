#pragma once
/// @file
/// What schedules need of the rest of the server: to begin runs, and to know of those that were begun.

#include "engine/graph/dag.hpp"
#include "engine/runtime/run_origin.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// How a run stands, as far as schedules care.
enum class run_standing : std::uint8_t
{
    unfinished,
    success,
    ended_otherwise,
};

struct begun_run
{
    run_id id;
    std::string dag;
    runtime::run_origin origin;
    run_standing standing = run_standing::unfinished;
    std::optional<wall_time> ended;
};

class run_starter
{
  public:
    run_starter() = default;
    run_starter(const run_starter&) = delete;
    run_starter& operator=(const run_starter&) = delete;
    virtual ~run_starter() = default;

    /// Begins a run with the parameters' defaults; it is in the journal when this returns.
    /// @throws std::exception that says why it cannot begin; it is not in the journal then, or only half told
    [[nodiscard]] virtual task<run_id> start(std::shared_ptr<const graph::dag> dag, runtime::run_origin origin) = 0;

    /// Asks a run to stop. Durable when it returns.
    [[nodiscard]] virtual task<> cancel(run_id id) = 0;

    /// Runs of a DAG that have not ended, whoever began them, but for those of replays.
    [[nodiscard]] virtual std::size_t active_of(std::string_view dag) = 0;

    /// The run of the journal with `origin.by` and `origin.key`.
    [[nodiscard]] virtual std::optional<begun_run> find(std::string_view by, std::string_view key) = 0;

    /// When that run of the journal ended; nothing when it has not, or is not there.
    [[nodiscard]] virtual std::optional<wall_time> end_of(const run_id& id) = 0;

    /// Runs of the journal of that DAG that succeeded at or after `since`, in order of their ends.
    [[nodiscard]] virtual std::vector<begun_run> succeeded(std::string_view dag, wall_time since) = 0;

    /// Runs of the journal with `origin.by` and `origin.cause`, in order of their beginning.
    [[nodiscard]] virtual std::vector<begun_run> caused(std::string_view by, std::string_view cause) = 0;
};

} // namespace potoo::server
