#pragma once
/// @file
/// Starts runs when their time has come: by the calendar (`schedule`), and after the success of other DAGs (`trigger`).
///
/// For every time of the calendar that is to have a run, exactly one begins, whatever crashes: the decision is durable
/// in the ledger before the run begins (kind `schedule`), the run carries it as its origin's key (`DAG@TIME`), and what
/// was decided and not known to have begun is looked for in the journal first. A run that is triggered has the
/// triggering run's id as its origin's cause, and `DAG@ID` as its key. Runs of replays trigger nothing.
///
/// What a schedule owes is forgotten when it is taken out of its file, or the file goes.

#include "engine/runtime/ledger.hpp"
#include "engine/schedule/cron.hpp"
#include "engine/server/dags/dag_source.hpp"
#include "engine/server/schedules/run_starter.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// How the schedule of a DAG stands.
struct schedule_status
{
    std::string dag;
    std::string expression; ///< empty = by trigger only
    std::string timezone;
    std::vector<std::string> after;
    bool paused = false;
    std::optional<wall_time> next; ///< the next time of the calendar, without its jitter
    std::optional<wall_time> last; ///< the last time of the calendar for which a run began
    std::size_t waiting = 0;       ///< runs that are to begin and have not; at most 1,000 are counted
    std::string problem;           ///< why a run that is to begin did not, or will not; empty = nothing is wrong
};

struct keeper_settings
{
    std::function<void(std::string_view)> say; ///< for the server's log: one line a call, without its end; may be empty
    std::function<void(std::string_view)> warn{}; ///< the same of what is wrong; `say` if empty
    schedule::zone_source zones;                  ///< `tz_zones` but in tests
    duration late{60'000};                        ///< a time that is noticed later than this has been missed
    duration try_again{60'000};                   ///< after a run could not begin
    std::uint32_t tries = 5;                      ///< then its time is given up
};

class schedule_keeper
{
  public:
    /// Everything must outlive it.
    schedule_keeper(potoo::loop& l, runtime::ledger& memory, dag_source& dags, run_starter& runs,
                    keeper_settings settings);
    ~schedule_keeper();

    schedule_keeper(const schedule_keeper&) = delete;
    schedule_keeper& operator=(const schedule_keeper&) = delete;

    /// Starts runs until it is told to stop. Runs that the journal left unfinished must be under way by now, so that
    /// they count.
    [[nodiscard]] task<> keep();

    /// To be called for every run that ends, of whatever origin. @param succeeded it ended `success`
    void run_ended(const run_id& id, std::string_view dag, const runtime::run_origin& origin, bool succeeded);

    /// The next time of the calendar; nothing while the DAG is paused, is not known or has no schedule.
    [[nodiscard]] std::optional<wall_time> next_due(std::string_view dag) const;

    /// What is wrong with its schedule; empty = nothing, or it has none.
    [[nodiscard]] std::string problem_of(std::string_view dag) const;

    /// In order of name.
    [[nodiscard]] std::vector<schedule_status> list() const;

  private:
    struct parts;

    std::shared_ptr<parts> parts_;
};

} // namespace potoo::server
