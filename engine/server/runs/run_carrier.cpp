#include "engine/server/runs/run_carrier.hpp"

#include <potoo/asio.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <list>
#include <utility>

namespace potoo::server {

struct run_carrier::parts
{
    parts(host::engine_host& e, std::function<void(std::string_view)> teller) : engine(e), say(std::move(teller)) {}

    host::engine_host& engine;
    std::function<void(std::string_view)> say;
    std::vector<std::function<void(const run_notice&)>> listeners;
    std::list<carried*> runs;
    counter ended; ///< runs that are not in `runs` any more

    void tell(const run_notice& n) const
    {
        for (const auto& listener : listeners)
            listener(n);
    }
};

/// One run, and who watches it. Lives until its coroutine has ended.
class run_carrier::carried final : public runtime::run_observer
{
  public:
    carried(parts& p, run_id id, std::string dag, runtime::run_origin origin)
        : parts_(p), id_(std::move(id)), dag_(std::move(dag)), origin_(std::move(origin))
    {
        parts_.runs.push_back(this);
    }

    [[nodiscard]] const std::string& dag() const noexcept { return dag_; }

    [[nodiscard]] const runtime::run_origin& origin() const noexcept { return origin_; }

    /// 1 once the run is on its way, or will never be.
    [[nodiscard]] counter& begun() noexcept { return begun_; }

    /// Why it never was, if so.
    [[nodiscard]] const std::exception_ptr& problem() const noexcept { return problem_; }

    void conclude(const std::exception_ptr& error, const std::optional<host::run_outcome>& outcome)
    {
        problem_ = error;
        parts_.runs.remove(this);
        if (outcome) {
            run_notice n = notice(run_notice::kind::ended);
            n.state = outcome->state;
            n.detached = outcome->detached;
            parts_.tell(n);
        } else if (begun_.value() > 0) {
            say_problem();
        }
        begun_.advance_to(1);
        parts_.ended.increment();
    }

    /// It cannot go on, and is left as it is.
    void say_problem() const
    {
        try {
            std::rethrow_exception(problem_);
        } catch (const boost::system::system_error& e) {
            // It was told to stop before it went on.
            if (e.code() != boost::asio::error::operation_aborted)
                parts_.say(fmt::format("run {} of {} is left as it is: {}", id_.value(), dag_, e.what()));
        } catch (const std::exception& e) {
            parts_.say(fmt::format("run {} of {} is left as it is: {}", id_.value(), dag_, e.what()));
        }
    }

  private:
    [[nodiscard]] run_notice notice(run_notice::kind what) const
    {
        run_notice n;
        n.what = what;
        n.run = &id_;
        n.dag = dag_;
        n.origin = &origin_;
        return n;
    }

    [[nodiscard]] run_notice about(run_notice::kind what, task_index t, item_index i) const
    {
        run_notice n = notice(what);
        n.task = executor_->dag()[t].name;
        n.item = i;
        n.attempt = executor_->machine().attempt_of(t, i);
        return n;
    }

    void run_started(const runtime::run_executor& e, bool /*resumed*/) override
    {
        executor_ = &e;
        begun_.advance_to(1);
    }

    void attempt_progress(task_index t, item_index i, double fraction, std::string_view message) override
    {
        run_notice n = about(run_notice::kind::progress, t, i);
        n.fraction = fraction;
        n.text = message;
        parts_.tell(n);
    }

    void attempt_property(task_index t, item_index i, attempt_number a, std::string_view name,
                          const json::value& value) override
    {
        run_notice n = about(run_notice::kind::property, t, i);
        n.attempt = a;
        n.text = name;
        n.value = &value;
        parts_.tell(n);
    }

    void warning(std::string_view text) override
    {
        run_notice n = notice(run_notice::kind::warning);
        n.text = text;
        parts_.tell(n);
    }

    parts& parts_;
    run_id id_;
    std::string dag_;
    runtime::run_origin origin_;
    counter begun_;
    std::exception_ptr problem_;
    const runtime::run_executor* executor_ = nullptr; ///< from its start on
};

run_carrier::run_carrier(host::engine_host& engine, std::function<void(std::string_view)> say)
    : parts_(std::make_unique<parts>(engine, std::move(say)))
{}

run_carrier::~run_carrier() = default;

task<run_id> run_carrier::start(host::run_request wish)
{
    if (wish.id.value().empty())
        wish.id = parts_->engine.make_id();
    const run_id id = wish.id;
    const std::string name = wish.dag->name;
    const auto run = std::make_shared<carried>(*parts_, id, name, wish.origin);
    const auto conclude = [run](const std::exception_ptr& error, const std::optional<host::run_outcome>& outcome) {
        run->conclude(error, outcome);
    };
    async_run(parts_->engine.loop(), name, parts_->engine.run(std::move(wish), *run), conclude);
    co_await run->begun().reached(1);
    if (run->problem())
        std::rethrow_exception(run->problem());
    co_await parts_->engine.committed();
    co_return id;
}

void run_carrier::resume(journal::run_row row)
{
    const auto run = std::make_shared<carried>(*parts_, row.id, row.dag_name, runtime::parse_run_origin(row.origin));
    std::string name = row.dag_name;
    async_run(parts_->engine.loop(), std::move(name), parts_->engine.resume(std::move(row), *run),
              [run](const std::exception_ptr& error, const std::optional<host::run_outcome>& outcome) {
                  run->begun().advance_to(1);
                  run->conclude(error, outcome);
              });
}

void run_carrier::listen(std::function<void(const run_notice&)> listener)
{
    parts_->listeners.push_back(std::move(listener));
}

std::size_t run_carrier::active() const noexcept
{
    return parts_->runs.size();
}

std::size_t run_carrier::active_of(std::string_view dag, std::string_view but_by) const noexcept
{
    return static_cast<std::size_t>(std::count_if(parts_->runs.begin(), parts_->runs.end(), [&](const carried* r) {
        return r->dag() == dag && (but_by.empty() || r->origin().by != but_by);
    }));
}

task<> run_carrier::all_ended()
{
    while (!parts_->runs.empty())
        co_await parts_->ended.reached(parts_->ended.value() + 1);
}

} // namespace potoo::server
