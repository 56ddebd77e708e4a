#pragma once
// Holds what happened against what was promised. Looks at the world and at the durable journal only, and shares no code
// with the engine but the format of the records.

#include "event_queue.hpp"
#include "scenario.hpp"
#include "service.hpp"
#include "trace.hpp"

#include "engine/journal/store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace potoo::sim {

/// A promise that was broken.
struct violation
{
    std::string invariant; ///< a short name
    std::string what;
};

class checker
{
  public:
    checker(const scenario& s, event_queue& events, trace& log, std::vector<std::unique_ptr<service>>& services);

    /// These have become durable.
    void durable(const journal::batch& b);

    /// A service accepted this job.
    void accepted(const job& j);

    /// A request to launch this was sent.
    void submission_sent(const std::string& token);

    /// A step of an operator is being done.
    /// @param step unique within the attempt
    void step_done(const std::string& token, const std::string& step);

    /// The token of a callback is given to the outside.
    void handed_out(const std::string& token);

    /// A replay came by something that must be the same in every one. @param attempt as in `step_done`
    void same_in_every_replay(const std::string& attempt, const std::string& value);

    /// An attempt takes, or gives back, what its clean-up is for.
    void lease_taken(const std::string& attempt, bool taken);

    [[nodiscard]] bool cancel_is_durable(journal::run_number run, std::optional<std::size_t> task) const;
    [[nodiscard]] bool pause_is_durable(journal::run_number run, bool paused) const;

    /// Tasks of a run that were reopened so far.
    [[nodiscard]] std::uint64_t reopenings(journal::run_number run) const;

    [[nodiscard]] bool callback_is_durable(const std::string& token) const;

    /// All is over: nothing is on its way, nothing goes on any more.
    void final_check();

    [[nodiscard]] bool run_exists(const std::string& dag) const;
    [[nodiscard]] bool run_ended(const std::string& dag) const;
    [[nodiscard]] std::optional<journal::run_number> number_of(const std::string& dag) const;

    /// Durable ends of attempts of an item that failed.
    [[nodiscard]] unsigned failures_of(const std::string& run, std::uint32_t task, std::uint32_t item) const;

    /// The first one.
    [[nodiscard]] const std::optional<violation>& broken() const noexcept { return broken_; }

    void report(std::string invariant, std::string what);

    [[nodiscard]] std::uint64_t records_seen() const noexcept { return records_; }

    [[nodiscard]] std::uint64_t unconfirmed_seen() const noexcept { return unconfirmed_; }

  private:
    struct item_name
    {
        std::uint32_t task = 0;
        std::uint32_t item = 0;

        friend auto operator<=>(const item_name&, const item_name&) = default;
    };

    struct attempt_state
    {
        std::string token;              ///< from the intent
        std::optional<std::string> job; ///< recorded id
        bool withdrawn = false;
        journal::recorded_state ended = journal::recorded_state::none;
        bool interrupted = false;
        bool unconfirmed = false;     ///< the remote side was not seen to have stopped
        bool unknown_outcome = false; ///< somebody has to look
        std::set<std::string> steps;

        [[nodiscard]] bool over() const noexcept { return interrupted || ended != journal::recorded_state::none; }
    };

    struct item_state
    {
        std::map<std::uint32_t, attempt_state> attempts;
        unsigned failures = 0;
    };

    struct run_state
    {
        std::string id;
        const dag_plan* plan = nullptr;
        bool cancel_requested = false;
        bool was_paused = false;
        bool was_unpaused = false;
        std::uint64_t reopenings = 0;
        std::set<std::uint32_t> reopened; ///< tasks that had ended once: what is behind them may have begun
        std::set<std::uint32_t> tasks_cancelled;
        journal::recorded_state ended = journal::recorded_state::none;
        std::map<std::uint32_t, journal::recorded_state> tasks_ended;
        std::map<std::uint32_t, std::uint32_t> item_counts;
        std::map<item_name, item_state> items;
    };

    struct attempt_place
    {
        journal::run_number run;
        item_name item;
        std::uint32_t attempt = 0;
    };

    void take(const journal::record& r);
    void take_attempt_started(run_state& run, const journal::record& r);
    void take_attempt_ended(run_state& run, const journal::record& r);
    void take_attempt_interrupted(run_state& run, const journal::record& r);
    void take_intent(run_state& run, const journal::record& r);
    void take_launch(run_state& run, const journal::record& r);
    void take_step(run_state& run, const journal::record& r);
    void take_callback(const run_state& run, const journal::record& r);
    void take_task_ended(run_state& run, const journal::record& r);
    void take_run_ended(run_state& run, const journal::record& r);
    void take_run_reopened(run_state& run);
    void take_task_reopened(run_state& run, const journal::record& r);
    void check_reconciled(const run_state& run);
    void check_truth(const run_state& run, const journal::record& r, const attempt_state& a);

    [[nodiscard]] std::string name_of(const run_state& run, const journal::record& r) const;
    [[nodiscard]] std::string name_of(const attempt_place& p) const;
    [[nodiscard]] attempt_state* attempt_of(const std::string& token);
    [[nodiscard]] bool has_ended(const run_state& run, std::uint32_t task) const;
    [[nodiscard]] bool may_start(const run_state& run, std::uint32_t task) const;
    [[nodiscard]] const job* active_job(const std::string& token) const;
    [[nodiscard]] std::vector<const job*> jobs_of(const std::string& token) const;
    [[nodiscard]] bool may_run_still(const attempt_state& a) const;

    const scenario& scenario_;
    event_queue& events_;
    trace& trace_;
    std::vector<std::unique_ptr<service>>& services_;
    std::map<journal::run_number, run_state> runs_;
    std::map<std::string, attempt_place> tokens_;
    std::map<std::string, std::string> callback_places_;  ///< tokens, by the place in the operator
    std::map<std::string, bool> callbacks_;               ///< by token: completed
    std::map<std::string, std::set<std::string>> values_; ///< by attempt
    std::set<std::string> leases_;                        ///< attempts that hold one
    std::optional<violation> broken_;
    std::uint64_t records_ = 0;
    std::uint64_t unconfirmed_ = 0;
};

} // namespace potoo::sim
