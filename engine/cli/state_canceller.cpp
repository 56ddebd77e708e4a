#include "engine/cli/run_canceller.hpp"
#include "engine/cli/run_end_wait.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/run_request.hpp"
#include "engine/cli/state_request.hpp"
#include "engine/cli/unconfirmed_jobs.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace potoo::cli {

using host::request_result;

namespace {

constexpr std::chrono::seconds time_to_answer{60};

class state_canceller final : public run_canceller
{
  public:
    explicit state_canceller(std::string state)
        : state_(std::move(state)), layout_(state_), journal_(open_journal(state_))
    {}

    std::vector<run_to_cancel> all() override;
    run_to_cancel find(const std::string& named, const std::vector<std::string>& tasks) override;
    request_result ask(const run_id& run, const std::vector<std::string>& tasks) override;

    void expect_signals() override { waiting_.emplace(); }

    cancelled_end wait(const run_to_cancel& run, const std::vector<std::string>& tasks) override;

    std::string where() const override { return "in " + state_; }

    std::string command(std::string_view verb, const std::string& run) const override
    {
        return next_command(verb, run, state_);
    }

    std::string unconfirmed_notes(const run_to_cancel& run, std::size_t jobs) const override
    {
        return unconfirmed_text(jobs, fmt::format("run {} of {}", run.id.value(), run.dag), run.id.value(), state_);
    }

  private:
    [[nodiscard]] journal::run_row choose(const std::string& named);
    [[nodiscard]] run_to_cancel described(const journal::run_row& run);

    std::string state_;
    journal::state_layout layout_;
    std::unique_ptr<journal::reader> journal_;
    std::optional<end_wait> waiting_;
};

run_to_cancel state_canceller::described(const journal::run_row& run)
{
    run_to_cancel out{run.id, run.dag_name};
    for (const journal::task_row& t : journal_->tasks(run.number))
        out.deferred += t.counts[static_cast<std::size_t>(journal::recorded_state::deferred)];
    return out;
}

std::vector<run_to_cancel> state_canceller::all()
{
    journal::run_filter filter;
    filter.unfinished = true;
    std::vector<run_to_cancel> out;
    for (const journal::run_row& r : journal_->runs(filter))
        out.push_back(described(r));
    return out;
}

/// Also one that has just begun, and is not in the journal yet.
journal::run_row state_canceller::choose(const std::string& named)
{
    try {
        return find_run(*journal_, named, state_, latest_run::unfinished);
    } catch (const usage_error&) {
        if (!journal::state_lock::is_held(layout_))
            throw;
        const state_access access(state_, host::ping_request(), time_to_answer);
    }
    // Its engine has answered: what it had begun before can be seen by now.
    return find_run(*journal_, named, state_, latest_run::unfinished);
}

run_to_cancel state_canceller::find(const std::string& named, const std::vector<std::string>& tasks)
{
    const journal::run_row run = choose(named);
    const journal::dag_document dag = journal_->dag_of(run.number);
    for (const std::string& t : tasks)
        static_cast<void>(find_task(dag, t));
    return described(run);
}

request_result state_canceller::ask(const run_id& run, const std::vector<std::string>& tasks)
{
    return ask_of_run(state_, run, host::cancel_request(run, tasks),
                      [&](journal::reader& journal, const journal::run_row& row, wall_time now) {
                          return host::request_cancel(journal, row, tasks, now);
                      });
}

cancelled_end state_canceller::wait(const run_to_cancel& run, const std::vector<std::string>& tasks)
{
    const journal::run_row row = find_run(*journal_, run.id.value(), state_);
    const journal::dag_document dag = journal_->dag_of(row.number);
    std::vector<task_index> indices;
    for (const std::string& t : tasks)
        indices.push_back(find_task(dag, t));
    const awaited_end end = waiting_->wait_for(*journal_, row, indices, layout_);
    return {end.ended, std::string(to_string(end.state)), end.signal, journal_->unconfirmed(row.number).size()};
}

} // namespace

std::unique_ptr<run_canceller> open_state_canceller(const std::string& state)
{
    return std::make_unique<state_canceller>(state);
}

} // namespace potoo::cli
