#pragma once
/// @file
/// One DAG's schedule: decides which times of the calendar, and which successes of other DAGs, are to have a run, and
/// begins those one after another. Internal to the keeper.

#include "engine/server/schedules/schedule_keeper.hpp"
#include "engine/server/schedules/schedule_ledger.hpp"
#include "engine/server/schedules/success_queue.hpp"
#include "engine/server/schedules/trigger_check.hpp"

#include <potoo/wait.hpp>

namespace potoo::server {

/// Whether successes of runs with that origin are followed: a replay is about its own DAG.
[[nodiscard]] inline bool triggers(const runtime::run_origin& origin)
{
    return origin.by != "replay";
}

/// What lanes share.
struct lane_ports
{
    potoo::loop& loop;
    runtime::ledger& memory;
    dag_source& dags;
    run_starter& runs;
    keeper_settings settings;

    void say(const std::string& line) const
    {
        if (settings.say)
            settings.say(line);
    }

    void warn(const std::string& line) const
    {
        if (settings.warn)
            settings.warn(line);
        else
            say(line);
    }
};

class schedule_lane
{
  public:
    schedule_lane(lane_ports& ports, std::string name) : ports_(ports), name_(std::move(name)) {}

    schedule_lane(const schedule_lane&) = delete;
    schedule_lane& operator=(const schedule_lane&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// Until the DAG is gone or has no schedule any more. What goes wrong is told and tried again.
    [[nodiscard]] task<> carry();

    /// Something may have changed: the DAG, or the number of its runs.
    void poke() noexcept { pokes_.increment(); }

    [[nodiscard]] bool follows(std::string_view dag) const;

    /// A run of some DAG succeeded. @param at when, by the journal
    void heed_success(const run_id& id, std::string_view dag, wall_time at);

    /// What is wrong with the DAGs that it follows.
    void warn_of_trigger(trigger_problem p) { trigger_problem_ = std::move(p); }

    [[nodiscard]] const trigger_problem& trigger_warning() const noexcept { return trigger_problem_; }

    [[nodiscard]] std::optional<wall_time> next_due() const;
    [[nodiscard]] std::string problem() const;
    [[nodiscard]] schedule_status status() const;

  private:
    // What is to be done, one thing at a time; true when something was done.
    [[nodiscard]] task<> work();
    [[nodiscard]] task<bool> begin_owed();
    [[nodiscard]] task<bool> begin_triggered();
    [[nodiscard]] task<bool> forgo_missed();
    [[nodiscard]] task<bool> decide_due();
    [[nodiscard]] task<> make_up(wall_time now);
    [[nodiscard]] task<> decide(wall_time at);
    [[nodiscard]] task<> settle_owed(wall_time at);
    [[nodiscard]] task<> settle_first_success();
    void settle(const success_queue::success& done);
    [[nodiscard]] task<bool> begin(runtime::run_origin origin);
    [[nodiscard]] task<> save();
    [[nodiscard]] task<> wait(std::uint64_t poked);

    void recall();
    [[nodiscard]] bool refresh();
    void refresh_calendar();
    void refresh_trigger();
    void refresh_params();
    void doubt_the_clock();
    void owe(const time_range& r);
    [[nodiscard]] bool is_full();
    [[nodiscard]] bool is_resting() const;
    [[nodiscard]] bool is_held_back() const;
    [[nodiscard]] steady_time next_wake() const;

    [[nodiscard]] const graph::schedule_spec& spec() const { return *dag_.dag->schedule; }

    lane_ports& ports_;
    std::string name_;
    startable_dag dag_;
    schedule_state state_;
    std::optional<schedule::timetable> table_;
    success_queue successes_;
    bool dirty_ = false; ///< `state_` is not what the ledger has
    bool away_ = true;   ///< times may have been missed: the server was down, or the DAG paused
    std::uint32_t failures_ = 0;
    std::optional<wall_time> resting_until_;
    std::string problem_;
    std::string unattended_problem_; ///< of this version of the DAG
    trigger_problem trigger_problem_;
    counter pokes_;
};

} // namespace potoo::server
