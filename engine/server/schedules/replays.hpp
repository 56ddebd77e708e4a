#pragma once
/// @file
/// Replays (backfills): runs of a DAG for every time of its calendar within a range, so many at once. They have a limit
/// of their own and do not count for the DAG's `max_active_runs` and `overlap`. A replay goes on after a restart.

#include "engine/runtime/ledger.hpp"
#include "engine/schedule/cron.hpp"
#include "engine/server/dags/dag_source.hpp"
#include "engine/server/schedules/replay_plan.hpp"
#include "engine/server/schedules/run_starter.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

enum class replay_state : std::uint8_t
{
    running,
    done,      ///< every run of it has ended
    cancelled, ///< no more runs begin; those under way were asked to stop
    failed,    ///< it cannot go on: `problem`
};

[[nodiscard]] std::string_view to_string(replay_state s) noexcept;

struct replay_row
{
    std::string id;
    std::string dag;
    wall_time from{}; ///< the range, both included
    wall_time to{};
    std::uint32_t parallel = 1;
    std::string who; ///< name of the token that asked; empty = the local user
    wall_time created{};
    replay_state state = replay_state::running;
    std::size_t runs = 0;      ///< planned
    std::size_t begun = 0;     ///< of these
    std::size_t active = 0;    ///< of the begun ones: not ended
    std::size_t succeeded = 0; ///< of the begun ones
    std::size_t failed = 0;    ///< of the begun ones: ended in any other way
    std::string problem;       ///< why a run did not begin, last time; empty = nothing is wrong
};

struct replay_wish
{
    std::string dag;
    wall_time from{};
    wall_time to{};
    std::uint32_t parallel = 1;
    std::string who{};
    std::string id{}; ///< that the asker chose, so that asking twice begins one replay; empty = one is made
};

struct replay_settings
{
    std::function<void(std::string_view)> say;    ///< for the server's log; may be empty
    std::function<void(std::string_view)> warn{}; ///< the same of what is wrong; `say` if empty
    schedule::zone_source zones;
    std::function<std::string()> make_id; ///< of a new replay: unique, letters and digits
    std::size_t max_active = 16;          ///< runs of all replays together
    std::size_t max_runs = 100'000;       ///< of one replay
    duration try_again{60'000};           ///< after a run could not begin
    std::uint32_t tries = 5;              ///< then the replay has failed
    std::size_t keep = 1000;              ///< replays that are over, the latest; older ones are forgotten
};

class replays
{
  public:
    /// Everything must outlive it. @param memory where replays are kept, kind `replay`
    replays(potoo::loop& l, runtime::ledger& memory, dag_source& dags, run_starter& runs, replay_settings settings);
    ~replays();

    replays(const replays&) = delete;
    replays& operator=(const replays&) = delete;

    /// The times that a replay would have runs for, both ends of the range included: the dry run. None of them may lie
    /// in the future. @throws replay_refused
    [[nodiscard]] std::vector<wall_time> plan(std::string_view dag, wall_time from, wall_time to) const;

    /// Begins a replay, unless there is one of the wish's id; durable when it returns. @return its id
    /// @throws replay_refused
    [[nodiscard]] task<std::string> start(replay_wish wish);

    /// No more runs of it begin, and those under way are asked to stop. Durable when it returns. One that has ended
    /// stays as it is. @throws replay_refused
    [[nodiscard]] task<> cancel(std::string id);

    /// Newest first.
    [[nodiscard]] std::vector<replay_row> list() const;
    [[nodiscard]] std::optional<replay_row> find(std::string_view id) const;

    /// Carries replays, those that an engine before has left too, until it is told to stop.
    [[nodiscard]] task<> keep();

    /// To be called for every run that ends, of whatever origin.
    void run_ended(const runtime::run_origin& origin, bool succeeded);

  private:
    struct parts;

    std::shared_ptr<parts> parts_;
};

} // namespace potoo::server
