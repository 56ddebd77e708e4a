#include "engine/server/runs/run_carrier.hpp"

#include "engine/journal/store_error.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <list>
#include <utility>

namespace potoo::server {

namespace {

/// A run that cannot go on is tried again after that.
constexpr std::chrono::minutes until_next_try{1};

task<> sleep_to(steady_time until)
{
    co_await sleep_until(until);
}

task<> reach(counter& c, std::uint64_t n)
{
    co_await c.reached(n);
}

/// The journal does not heal by itself.
bool is_of_the_journal(const std::exception_ptr& problem)
{
    try {
        std::rethrow_exception(problem);
    } catch (const journal::store_error&) {
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

std::string text_of(const std::exception_ptr& problem)
{
    try {
        std::rethrow_exception(problem);
    } catch (const std::exception& e) {
        return e.what();
    }
}

} // namespace

struct run_carrier::parts
{
    parts(host::engine_host& e, std::function<void(std::string_view)> teller) : engine(e), warn(std::move(teller)) {}

    bool resume(journal::run_row row);

    [[nodiscard]] carried* find(const run_id& id) const;

    void tell(const run_notice& n) const
    {
        for (const auto& listener : listeners)
            listener(n);
    }

    host::engine_host& engine;
    std::function<void(std::string_view)> warn;
    std::vector<std::function<void(const run_notice&)>> listeners;
    std::list<carried*> runs;
    counter ended; ///< runs that are not in `runs` any more
    bool stopping = false;
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

    [[nodiscard]] const run_id& id() const noexcept { return id_; }

    [[nodiscard]] const std::string& dag() const noexcept { return dag_; }

    [[nodiscard]] const runtime::run_origin& origin() const noexcept { return origin_; }

    /// It has ended: only its remote jobs are looked after.
    [[nodiscard]] bool reconciles() const noexcept { return row_ && row_->ended; }

    /// Nothing of it is left to do but to be recorded, and to look after remote jobs.
    [[nodiscard]] bool is_ending() const
    {
        return !reconciles() && executor_ && schedule::is_terminal(executor_->machine().state());
    }

    /// 1 once the run is on its way, or will never be.
    [[nodiscard]] counter& begun() noexcept { return begun_; }

    /// Why it never was, if so.
    [[nodiscard]] const std::exception_ptr& problem() const noexcept { return problem_; }

    /// As it is in the journal now.
    void is_now(journal::run_row row) { row_ = std::move(row); }

    /// If it could not go on, that is tried again at once.
    void wake() { woken_.increment(); }

    /// Carries a run that begins.
    static task<> begin(std::shared_ptr<carried> me, host::run_request wish)
    {
        std::exception_ptr problem;
        std::optional<host::run_outcome> outcome;
        try {
            auto reached = co_await me->parts_.engine.run(std::move(wish), *me);
            outcome = std::move(reached);
        } catch (const std::exception&) {
            problem = std::current_exception();
        }
        if (problem && me->begun_.value() > 0)
            me->say_problem(problem, "it is left as it is");
        me->conclude(problem, outcome);
    }

    /// Carries a run of the journal. One that cannot go on, for a secret is missing, say, is tried again.
    static task<> go_on(std::shared_ptr<carried> me)
    {
        for (;;) {
            const std::uint64_t woken = me->woken_.value();
            std::exception_ptr problem;
            std::optional<host::run_outcome> outcome;
            try {
                journal::run_row row = *me->row_;
                auto reached = co_await me->parts_.engine.resume(std::move(row), *me);
                outcome = std::move(reached);
            } catch (const std::exception&) {
                problem = std::current_exception();
            }
            if (problem && !me->parts_.stopping)
                co_await me->wait_for_next_try(problem, woken);
            if (!problem || me->parts_.stopping) {
                me->conclude(problem, outcome);
                co_return;
            }
        }
    }

  private:
    void conclude(const std::exception_ptr& problem, const std::optional<host::run_outcome>& outcome)
    {
        problem_ = problem;
        parts_.runs.remove(this);
        if (outcome && !reconciles()) {
            run_notice n = notice(run_notice::kind::ended);
            n.state = outcome->state;
            n.detached = outcome->detached;
            parts_.tell(n);
        }
        begun_.advance_to(1);
        parts_.ended.increment();
    }

    task<> wait_for_next_try(std::exception_ptr problem, std::uint64_t woken)
    {
        executor_ = nullptr;
        if (is_of_the_journal(problem)) {
            say_problem(problem, "that is tried again when it is asked for");
            co_await woken_.reached(woken + 1);
            co_return;
        }
        const std::string pause = format_duration(until_next_try);
        say_problem(problem, fmt::format("that is tried again every {}, and when it is asked for", pause));
        auto clock = sleep_to(parts_.engine.loop().now() + until_next_try);
        auto poke = reach(woken_, woken + 1);
        co_await any(std::move(clock), std::move(poke));
    }

    /// Not the same again and again.
    void say_problem(const std::exception_ptr& problem, std::string_view what_next)
    {
        std::string text = text_of(problem);
        if (text == said_)
            return;
        parts_.warn(fmt::format("run {} of {} cannot go on: {}; {}", id_.value(), dag_, text, what_next));
        said_ = std::move(text);
    }

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
    std::optional<journal::run_row> row_; ///< of one that was in the journal when it was taken up
    counter begun_;
    counter woken_;
    std::exception_ptr problem_;
    std::string said_;                                ///< of the last problem
    const runtime::run_executor* executor_ = nullptr; ///< from its start on
};

run_carrier::carried* run_carrier::parts::find(const run_id& id) const
{
    const auto found = std::find_if(runs.begin(), runs.end(), [&](const carried* r) { return r->id() == id; });
    return found == runs.end() ? nullptr : *found;
}

/// @return whether it is carried now
bool run_carrier::parts::resume(journal::run_row row)
{
    if (stopping)
        return false;
    if (carried* there = find(row.id)) {
        there->is_now(std::move(row));
        there->wake();
        return true;
    }
    auto origin = runtime::read_run_origin(row.origin);
    if (!origin)
        warn(fmt::format("run {} of {}: what the journal says of its origin cannot be read, and counts for nothing",
                         row.id.value(), row.dag_name));
    const auto run =
        std::make_shared<carried>(*this, row.id, row.dag_name, std::move(origin).value_or(runtime::run_origin()));
    std::string name = row.dag_name;
    run->begun().advance_to(1);
    run->is_now(std::move(row));
    async_run(engine.loop(), std::move(name), carried::go_on(run), [](const std::exception_ptr&) {});
    return true;
}

run_carrier::run_carrier(host::engine_host& engine, std::function<void(std::string_view)> warn)
    : parts_(std::make_shared<parts>(engine, std::move(warn)))
{
    engine.when_to_carry([weak = std::weak_ptr(parts_)](journal::run_row row) {
        const auto there = weak.lock();
        return there && there->resume(std::move(row));
    });
}

run_carrier::~run_carrier() = default;

task<run_id> run_carrier::start(host::run_request wish)
{
    if (parts_->stopping)
        throw server_stopping();
    if (wish.id.value().empty())
        wish.id = parts_->engine.make_id();
    const run_id id = wish.id;
    std::string name = wish.dag->name;
    const auto run = std::make_shared<carried>(*parts_, id, name, wish.origin);
    async_run(parts_->engine.loop(), std::move(name), carried::begin(run, std::move(wish)),
              [](const std::exception_ptr&) {});
    co_await run->begun().reached(1);
    if (run->problem())
        std::rethrow_exception(run->problem());
    co_await parts_->engine.committed();
    co_return id;
}

void run_carrier::resume(journal::run_row row)
{
    parts_->resume(std::move(row));
}

void run_carrier::stop()
{
    parts_->stopping = true;
    parts_->engine.cancel(std::nullopt, cancel_reason::shutdown);
    for (carried* r : parts_->runs)
        r->wake();
}

bool run_carrier::is_under_way(const run_id& id) const
{
    return parts_->find(id) != nullptr;
}

std::vector<run_id> run_carrier::ending() const
{
    std::vector<run_id> out;
    for (const carried* r : parts_->runs) {
        if (r->is_ending())
            out.push_back(r->id());
    }
    return out;
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
        return r->dag() == dag && !r->reconciles() && (but_by.empty() || r->origin().by != but_by);
    }));
}

task<> run_carrier::all_ended()
{
    while (!parts_->runs.empty())
        co_await parts_->ended.reached(parts_->ended.value() + 1);
}

} // namespace potoo::server
