// Random DAGs, random orders of events, random outcomes, random cancellation; what must hold at every step is checked
// against books that are kept here, without a look into the machine.

#include "engine/schedule/tasks_to_reopen.hpp"
#include "machine_text.hpp"
#include "naive_rules.hpp"
#include "test_dag.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace potoo;
using namespace potoo::schedule;
using namespace potoo::schedule::testing;

namespace {

/// A stream of small choices that rapidcheck can shrink; zeros once it is used up.
class choices
{
  public:
    explicit choices(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

    /// 0 … n-1
    std::uint32_t below(std::uint32_t n) { return next_ < bytes_.size() ? bytes_[next_++] % n : 0; }

    bool one_in(std::uint32_t n) { return below(n) == n - 1; }

    [[nodiscard]] bool used_up() const { return next_ >= bytes_.size(); }

  private:
    std::vector<std::uint8_t> bytes_;
    std::size_t next_ = 0;
};

rc::Gen<std::vector<std::uint8_t>> bytes(int size)
{
    return rc::gen::resize(size, rc::gen::arbitrary<std::vector<std::uint8_t>>());
}

graph::dag random_dag(choices& choose)
{
    graph::dag dag;
    dag.name = "random";
    dag.pools = {{"p", 1 + choose.below(3)}, {"q", 1 + choose.below(2)}};
    dag.fail_fast = choose.one_in(6);
    const std::uint32_t tasks = 1 + choose.below(12);
    for (std::uint32_t t = 0; t < tasks; ++t) {
        std::vector<std::uint32_t> upstream;
        for (std::uint32_t u = 0; u < t; ++u)
            if (choose.one_in(3))
                upstream.push_back(u);
        graph::task_spec& task =
            add(dag, "t" + std::to_string(t), upstream, static_cast<graph::trigger_rule>(choose.below(11)));
        task.allow_failure = choose.one_in(5);
        task.priority = static_cast<std::int32_t>(choose.below(3));
        if (choose.one_in(3))
            task.pool = pool_index(choose.below(2));
        if (choose.one_in(3))
            set_foreach(task, choose.below(3));
        else if (choose.one_in(4))
            task.when = any_expression();
        set_retry(task, {.limit = choose.below(3), .delay = duration{choose.below(5)}});
    }
    return dag;
}

using place = std::pair<std::uint32_t, std::uint32_t>;

/// Who says when attempts start: the machine, as soon as they may, or whoever asks it.
enum class starts : std::uint8_t
{
    at_once,
    on_request,
};

/// What happened, as told by events and actions alone, and what follows from it.
class books
{
  public:
    explicit books(const graph::dag& dag, starts how = starts::at_once)
        : on_request(how == starts::on_request), dag_(dag), ended_(dag.tasks.size()), cancelled_(dag.tasks.size())
    {
        for (const graph::pool_spec& pool : dag.pools)
            slots_.push_back(pool.slots);
    }

    void before(const event& e)
    {
        if (const auto* ended = std::get_if<attempt_ended>(&e)) {
            in_flight.erase({ended->task.value(), ended->item.value()});
            if (ended->outcome == attempt_outcome::interrupted)
                ++interruptions_[{ended->task.value(), ended->item.value()}];
        } else if (const auto* begun = std::get_if<attempt_started>(&e)) {
            RC_ASSERT(unbegun.erase({begun->task.value(), begun->item.value()}) == 1U);
        } else if (const auto* evaluated = std::get_if<task_evaluated>(&e)) {
            evaluating.erase(evaluated->task.value());
            by_evaluation_.insert(evaluated->task.value());
        } else if (const auto* due = std::get_if<retry_due>(&e)) {
            retrying.erase({due->task.value(), due->item.value()});
        } else if (const auto* limit = std::get_if<admission_limit_changed>(&e)) {
            max_attempts_ = limit->max_attempts;
        } else if (const auto* resized = std::get_if<pool_resized>(&e)) {
            slots_[resized->pool.value()] = resized->slots;
        } else if (const auto* one = std::get_if<task_cancel_requested>(&e)) {
            cancelled_[one->task.value()] = true;
        } else if (std::holds_alternative<cancel_requested>(e)) {
            run_cancelled = true;
        } else if (const auto* again = std::get_if<task_reopened>(&e)) {
            reopen(again->task.value());
        } else if (std::holds_alternative<run_paused>(e)) {
            paused = true;
        } else if (std::holds_alternative<run_resumed>(e)) {
            paused = false;
        }
    }

    /// Of an event that changes something.
    void reopen(std::uint32_t t)
    {
        if (run_ended_as)
            run_cancelled = failed_fast = paused = false;
        run_ended_as.reset();
        const bool had_ended = ended_[t].has_value();
        ended_[t].reset();
        if (had_ended)
            cancelled_[t] = false;
        for (auto& [where, attempts] : attempts_) {
            if (where.first == t)
                before_[where] = attempts;
        }
        by_evaluation_.insert(t);
        reopened_.insert(t);
        for (const task_index d : dag_.tasks[t].downstream)
            reopened_.insert(d.value());
    }

    void take(std::span<const action> actions)
    {
        for (const action& a : actions) {
            RC_ASSERT(!run_ended_as);
            std::visit([this](const auto& alternative) { take(alternative); }, a);
        }
    }

    /// Nothing that could start is left waiting.
    [[nodiscard]] bool could_start(std::uint32_t t) const
    {
        const graph::task_spec& task = dag_.tasks[t];
        return !paused && (max_attempts_ == 0 || in_flight.size() < max_attempts_) &&
               (!task.pool || used(*task.pool) < slots_[task.pool->value()]) &&
               (!task.foreach || task.max_active == 0 || active(t) < task.max_active);
    }

    [[nodiscard]] const std::vector<std::optional<task_state>>& ended() const { return ended_; }

    [[nodiscard]] run_state expected_end() const
    {
        bool cancelled = false;
        for (std::size_t t = 0; t < ended_.size(); ++t) {
            if (dag_.tasks[t].allow_failure)
                continue;
            if (ended_[t] == task_state::failed || ended_[t] == task_state::timed_out)
                return run_state::failed;
            cancelled |= ended_[t] == task_state::cancelled || ended_[t] == task_state::upstream_failed;
        }
        return cancelled ? run_state::cancelled : run_state::success;
    }

    /// In flight, and known to run.
    [[nodiscard]] std::map<place, std::uint32_t> begun() const
    {
        std::map<place, std::uint32_t> result = in_flight;
        for (const place& p : unbegun)
            result.erase(p);
        return result;
    }

    bool on_request;
    std::map<place, std::uint32_t> in_flight; ///< attempt
    std::set<place> unbegun;                  ///< of those in flight
    std::set<place> retrying;
    std::set<std::uint32_t> evaluating;
    std::optional<run_state> run_ended_as;
    bool run_cancelled = false;
    bool failed_fast = false;
    bool paused = false;

  private:
    void take(const evaluate_task& a)
    {
        const std::uint32_t t = a.task.value();
        RC_ASSERT(decision(t) == "start");
        RC_ASSERT(!ended_[t]);
        RC_ASSERT(dag_.tasks[t].when || dag_.tasks[t].foreach);
        RC_ASSERT(evaluating.insert(t).second);
    }

    void take(const start_attempt& a)
    {
        const std::uint32_t t = a.task.value();
        const place where{t, a.item.value()};
        const graph::task_spec& task = dag_.tasks[t];
        // What was decided before something upstream was reopened holds.
        RC_ASSERT(decision(t) == "start" || reopened_.count(t) > 0);
        RC_ASSERT(!run_cancelled && !cancelled_[t] && !ended_[t]);
        RC_ASSERT((!task.when && !task.foreach) || by_evaluation_.count(t) > 0);
        RC_ASSERT(could_start(t));
        RC_ASSERT(a.attempt.value() == ++attempts_[where]);
        RC_ASSERT(attempts_[where] <= before_[where] + task.retry->limit + 1 + interruptions_[where]);
        RC_ASSERT(retrying.count(where) == 0U);
        RC_ASSERT(in_flight.emplace(where, a.attempt.value()).second);
        if (on_request)
            unbegun.insert(where);
    }

    void take(const arm_retry& a)
    {
        const place where{a.task.value(), a.item.value()};
        RC_ASSERT(in_flight.count(where) == 0U);
        RC_ASSERT(a.attempt.value() == attempts_[where] + 1);
        RC_ASSERT(retrying.insert(where).second);
    }

    void take(const disarm_retry& a) { RC_ASSERT(retrying.erase({a.task.value(), a.item.value()}) == 1U); }

    void take(const withdraw_attempt& a)
    {
        const auto found = in_flight.find({a.task.value(), a.item.value()});
        RC_ASSERT(found != in_flight.end());
        RC_ASSERT(found->second == a.attempt.value());
        RC_ASSERT(unbegun.erase(found->first) == 1U);
        --attempts_[found->first];
        in_flight.erase(found);
    }

    void take(const cancel_attempt& a)
    {
        const auto found = in_flight.find({a.task.value(), a.item.value()});
        RC_ASSERT(found != in_flight.end());
        RC_ASSERT(found->second == a.attempt.value());
        RC_ASSERT(unbegun.count(found->first) == 0U);
        if (a.reason == cancel_reason::upstream)
            run_cancelled = failed_fast = true;
    }

    void take(const task_ended& a)
    {
        const std::uint32_t t = a.task.value();
        RC_ASSERT(!ended_[t]);
        RC_ASSERT(is_terminal(a.state));
        RC_ASSERT(active(t) == 0U);
        const bool never_asked =
            evaluating.count(t) == 0U && by_evaluation_.count(t) == 0U && attempts_.count({t, 0}) == 0U;
        if (never_asked && a.state != task_state::cancelled)
            RC_ASSERT(decision(t) == to_string(a.state));
        if (a.state == task_state::cancelled)
            evaluating.erase(t);
        ended_[t] = a.state;
    }

    void take(const run_ended& a)
    {
        run_ended_as = a.state;
        RC_ASSERT(std::all_of(ended_.begin(), ended_.end(), [](const auto& e) { return e.has_value(); }));
        RC_ASSERT(in_flight.empty());
        RC_ASSERT(retrying.empty());
        RC_ASSERT(evaluating.empty());
    }

    [[nodiscard]] std::string decision(std::uint32_t t) const
    {
        std::vector<naive_upstream> upstream;
        for (const task_index u : dag_.tasks[t].upstream)
            upstream.push_back({ended_[u.value()], dag_.tasks[u.value()].allow_failure});
        return naive_decision(dag_.tasks[t].rule, upstream);
    }

    [[nodiscard]] std::size_t used(pool_index pool) const
    {
        return static_cast<std::size_t>(std::count_if(in_flight.begin(), in_flight.end(), [&](const auto& entry) {
            return dag_.tasks[entry.first.first].pool == pool;
        }));
    }

    [[nodiscard]] std::size_t active(std::uint32_t t) const
    {
        return static_cast<std::size_t>(
            std::count_if(in_flight.begin(), in_flight.end(), [&](const auto& e) { return e.first.first == t; }));
    }

    const graph::dag& dag_;
    std::vector<std::optional<task_state>> ended_;
    std::vector<bool> cancelled_;
    std::vector<std::uint32_t> slots_;
    std::set<std::uint32_t> by_evaluation_;
    std::map<place, std::uint32_t> attempts_;
    std::map<place, std::uint32_t> before_; ///< attempts before the task was reopened
    std::set<std::uint32_t> reopened_;      ///< and what is right behind them
    std::map<place, std::uint32_t> interruptions_;
    std::uint32_t max_attempts_ = 0;
};

void check_counts(const run_machine& m, const books& known)
{
    const graph::dag& dag = m.dag();
    state_counts tasks;
    state_counts items;
    for (std::uint32_t t = 0; t < dag.tasks.size(); ++t) {
        const task_state state = m.state_of(task_index(t));
        ++tasks[state];
        RC_ASSERT(is_terminal(state) == known.ended()[t].has_value());
        if (known.ended()[t])
            RC_ASSERT(state == *known.ended()[t]);
        state_counts own;
        for (std::uint32_t i = 0; i < m.item_count(task_index(t)); ++i)
            ++own[m.state_of(task_index(t), item_index(i))];
        RC_ASSERT(own == m.counts(task_index(t)));
        for (std::size_t s = 0; s < task_state_count; ++s)
            items[static_cast<task_state>(s)] += own[static_cast<task_state>(s)];
        if (own[task_state::queued] > 0 && !known.on_request)
            RC_ASSERT(!known.could_start(t));
    }
    RC_ASSERT(tasks == m.task_totals());
    RC_ASSERT(tasks.total() == dag.tasks.size());
    RC_ASSERT(items == m.item_totals());
    RC_ASSERT(items.in_flight() == m.in_flight());
}

void check_recovery_queries(const run_machine& m, const books& known)
{
    std::map<place, std::uint32_t> in_flight;
    m.for_each_in_flight([&](task_index t, item_index i, attempt_number n, task_state) {
        in_flight[{t.value(), i.value()}] = n.value();
    });
    RC_ASSERT(in_flight == known.in_flight);
    std::set<place> retrying;
    m.for_each_retrying([&](task_index t, item_index i, attempt_number) { retrying.insert({t.value(), i.value()}); });
    RC_ASSERT(retrying == known.retrying);
    std::set<std::uint32_t> evaluating;
    m.for_each_evaluating([&](task_index t) { evaluating.insert(t.value()); });
    RC_ASSERT(evaluating == known.evaluating);
}

template <class Container>
const auto& pick(const Container& from, choices& choose)
{
    return *std::next(from.begin(), choose.below(static_cast<std::uint32_t>(from.size())));
}

/// Something that the world outside may do to the run as a whole.
event interference(const graph::dag& dag, choices& choose)
{
    switch (choose.below(7)) {
    case 0:
        return run_paused{};
    case 1:
        return run_resumed{};
    case 2:
        return pool_resized{pool_index(choose.below(2)), choose.below(4)};
    case 3:
        return admission_limit_changed{choose.below(4)};
    case 4:
        return task_cancel_requested{task_index(choose.below(static_cast<std::uint32_t>(dag.tasks.size())))};
    case 5:
        return cancel_requested{choose.one_in(2) ? cancel_reason::deadline : cancel_reason::user};
    case 6:
        return task_reopened{task_index(choose.below(static_cast<std::uint32_t>(dag.tasks.size()))), choose.one_in(2)};
    default:
        return retry_due{task_index(0), item_index(0)};
    }
}

/// Something that the run waits for; nothing when it waits for nothing.
std::optional<event> progress(const books& known, choices& choose)
{
    const std::uint32_t kind = choose.below(3);
    const auto running = known.begun();
    if (!known.evaluating.empty() && (kind == 0 || (running.empty() && known.retrying.empty()))) {
        const task_index t(pick(known.evaluating, choose));
        return task_evaluated{t, static_cast<verdict>(choose.one_in(3) ? choose.below(3) : 0), choose.below(5)};
    }
    if (!known.retrying.empty() && (kind == 1 || running.empty())) {
        const auto [t, i] = pick(known.retrying, choose);
        return retry_due{task_index(t), item_index(i)};
    }
    if (running.empty())
        return std::nullopt;
    const auto [t, i] = pick(running, choose).first;
    if (choose.one_in(5))
        return attempt_deferred{task_index(t), item_index(i)};
    if (choose.one_in(8))
        return attempt_resumed{task_index(t), item_index(i)};
    const auto outcome = static_cast<attempt_outcome>(choose.below(2) == 0 ? 0 : choose.below(6));
    return attempt_ended{task_index(t), item_index(i), outcome, choose.below(2) == 0,
                         static_cast<double>(choose.below(3)) - 1.0};
}

/// Takes away everything that could hold up the run.
std::vector<event> lift_all_limits()
{
    return {run_resumed{}, admission_limit_changed{0}, pool_resized{pool_index(0), 1}, pool_resized{pool_index(1), 1}};
}

struct recording
{
    std::vector<event> events;
    std::vector<std::vector<action>> answers; ///< the first is that of `start`
    std::vector<std::optional<task_state>> ended;
    run_state state = run_state::queued;
};

recording run_random(const graph::dag& dag, choices& choose, bool undisturbed = false)
{
    run_machine m(dag);
    books known(dag);
    recording result;
    const auto take = [&](std::span<const action> actions) {
        result.answers.emplace_back(actions.begin(), actions.end());
        known.take(actions);
        check_counts(m, known);
        check_recovery_queries(m, known);
    };
    const auto tell = [&](const event& e) {
        if (const auto* again = std::get_if<task_reopened>(&e); again && !m.may_reopen(*again))
            return;
        result.events.push_back(e);
        known.before(e);
        take(m.apply(e));
    };

    bool disturbed = !undisturbed;
    take(m.start());
    if (choose.one_in(2))
        tell(admission_limit_changed{1 + choose.below(3)});
    for (int step = 0;; ++step) {
        if (is_terminal(m.state()) && (!disturbed || choose.used_up() || choose.one_in(3)))
            break;
        RC_ASSERT(step < 5'000);
        if (is_terminal(m.state())) {
            tell(task_reopened{task_index(choose.below(static_cast<std::uint32_t>(dag.tasks.size()))),
                               choose.one_in(2)});
            continue;
        }
        if (disturbed && (choose.used_up() || step > 300)) {
            disturbed = false;
            for (const event& e : lift_all_limits())
                tell(e);
            continue;
        }
        const auto next = progress(known, choose);
        if (disturbed && (!next || choose.one_in(10)))
            tell(interference(dag, choose));
        else if (next)
            tell(*next);
        else
            RC_FAIL("the run waits for nothing and has not ended");
    }
    result.ended = known.ended();
    result.state = m.state();
    RC_ASSERT(known.run_ended_as.has_value());
    RC_ASSERT(*known.run_ended_as == m.state());
    if (m.cancelled_by() == cancel_reason::none)
        RC_ASSERT(m.state() == known.expected_end());
    return result;
}

/// What a journal of these events brings back: everything but attempts that were admitted and had not begun, whose
/// items are queued.
void check_replay(const graph::dag& dag, const std::vector<event>& events, const run_machine& live, const books& known)
{
    run_machine m(dag);
    m.start_on_request();
    m.start();
    for (const event& e : events)
        m.apply(e);
    RC_ASSERT(m.state() == live.state());
    RC_ASSERT(m.cancelled_by() == live.cancelled_by());
    RC_ASSERT(m.in_flight() + known.unbegun.size() == live.in_flight());
    for (std::uint32_t t = 0; t < dag.tasks.size(); ++t) {
        const task_index task(t);
        RC_ASSERT(m.item_count(task) == live.item_count(task));
        RC_ASSERT(is_terminal(m.state_of(task)) == is_terminal(live.state_of(task)));
        for (std::uint32_t i = 0; i < live.item_count(task); ++i) {
            const item_index item(i);
            const bool unbegun = known.unbegun.count({t, i}) > 0;
            RC_ASSERT(m.state_of(task, item) == (unbegun ? task_state::queued : live.state_of(task, item)));
            RC_ASSERT(m.attempt_of(task, item).value() + (unbegun ? 1 : 0) == live.attempt_of(task, item).value());
        }
    }
}

/// A run whose attempts are admitted a few at a time and begin some time later, as an engine does it. At any moment its
/// events bring it back.
void run_on_request(const graph::dag& dag, choices& choose)
{
    run_machine m(dag);
    m.start_on_request();
    books known(dag, starts::on_request);
    std::vector<event> events;
    const auto take = [&](std::span<const action> actions) {
        known.take(actions);
        check_counts(m, known);
        check_recovery_queries(m, known);
    };
    const auto tell = [&](const event& e) {
        if (const auto* again = std::get_if<task_reopened>(&e); again && !m.may_reopen(*again))
            return;
        events.push_back(e);
        known.before(e);
        take(m.apply(e));
        if (choose.one_in(6))
            check_replay(dag, events, m, known);
    };
    const auto begin_one = [&] {
        const place where = pick(known.unbegun, choose);
        tell(attempt_started{task_index(where.first), item_index(where.second),
                             attempt_number(known.in_flight.at(where))});
    };

    bool disturbed = true;
    take(m.start());
    for (int step = 0;; ++step) {
        if (is_terminal(m.state()) && (!disturbed || choose.used_up() || choose.one_in(3)))
            break;
        RC_ASSERT(step < 10'000);
        if (is_terminal(m.state())) {
            tell(task_reopened{task_index(choose.below(static_cast<std::uint32_t>(dag.tasks.size()))),
                               choose.one_in(2)});
            continue;
        }
        if (disturbed && (choose.used_up() || step > 300)) {
            disturbed = false;
            for (const event& e : lift_all_limits())
                tell(e);
            continue;
        }
        if (choose.one_in(3))
            take(m.admit(choose.below(4)));
        if (!known.unbegun.empty() && choose.one_in(2)) {
            begin_one();
            continue;
        }
        const auto next = progress(known, choose);
        if (disturbed && choose.one_in(10)) {
            tell(interference(dag, choose));
        } else if (next) {
            tell(*next);
        } else if (!known.unbegun.empty()) {
            begin_one();
        } else {
            const bool may_start = m.may_start();
            const auto started = m.admit(64);
            RC_ASSERT(may_start == !started.empty());
            if (started.empty() && !disturbed)
                RC_FAIL("the run waits for nothing and has not ended");
            take(started);
            if (started.empty())
                tell(interference(dag, choose));
        }
    }
    check_replay(dag, events, m, known);
    if (m.cancelled_by() == cancel_reason::none)
        RC_ASSERT(m.state() == known.expected_end());
}

/// Everything that is under way succeeds.
void let_all_succeed(run_machine& m, books& known, std::uint32_t items)
{
    while (!is_terminal(m.state())) {
        std::optional<event> next;
        if (!known.evaluating.empty())
            next = task_evaluated{task_index(*known.evaluating.begin()), verdict::run, items};
        else
            next = attempt_ended{task_index(known.in_flight.begin()->first.first),
                                 item_index(known.in_flight.begin()->first.second)};
        known.before(*next);
        known.take(m.apply(*next));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(properties_test)

BOOST_AUTO_TEST_CASE(run_that_starts_on_request_keeps_the_rules_and_is_brought_back_by_its_events)
{
    BOOST_TEST(rc::check("starts on request", [] {
        choices shape(*bytes(150));
        const graph::dag dag = random_dag(shape);
        choices script(*bytes(600));
        run_on_request(dag, script);
    }));
}

BOOST_AUTO_TEST_CASE(every_run_keeps_the_rules_at_every_step_and_ends)
{
    BOOST_TEST(rc::check("rules hold", [] {
        choices shape(*bytes(150));
        const graph::dag dag = random_dag(shape);
        choices script(*bytes(400));
        const recording run = run_random(dag, script);
        RC_TAG(std::string(to_string(run.state)));
    }));
}

BOOST_AUTO_TEST_CASE(the_same_events_give_the_same_actions)
{
    BOOST_TEST(rc::check("replay", [] {
        choices shape(*bytes(150));
        const graph::dag dag = random_dag(shape);
        choices script(*bytes(400));
        const recording run = run_random(dag, script);

        run_machine again(dag);
        const auto first = again.start();
        RC_ASSERT(std::equal(first.begin(), first.end(), run.answers[0].begin(), run.answers[0].end()));
        for (std::size_t n = 0; n < run.events.size(); ++n) {
            const auto answer = again.apply(run.events[n]);
            const auto& recorded = run.answers[n + 1];
            RC_ASSERT(std::equal(answer.begin(), answer.end(), recorded.begin(), recorded.end()));
        }
        RC_ASSERT(again.state() == run.state);
        for (std::uint32_t t = 0; t < dag.tasks.size(); ++t)
            RC_ASSERT(again.state_of(task_index(t)) == *run.ended[t]);
    }));
}

BOOST_AUTO_TEST_CASE(what_did_not_end_well_does_when_it_is_retried_and_nothing_is_in_the_way)
{
    BOOST_TEST(rc::check("retry", [] {
        choices shape(*bytes(150));
        const graph::dag dag = random_dag(shape);
        choices script(*bytes(400));
        const recording before = run_random(dag, script);
        run_machine m(dag);
        books known(dag);
        known.take(m.start());
        const auto tell = [&](const event& e) {
            known.before(e);
            known.take(m.apply(e));
        };
        for (const event& e : before.events)
            tell(e);
        const auto standing = [&m, &dag](task_index t) {
            return task_standing{m.state_of(t), dag[t].foreach.has_value() && has_unsuccessful(m.counts(t))};
        };
        const auto all = tasks_to_reopen(dag, {}, standing);
        RC_ASSERT(all.empty() == std::none_of(before.ended.begin(), before.ended.end(),
                                              [](const auto& s) { return is_unsuccessful(*s); }));
        for (const task_reopened& e : all)
            tell(e);
        for (const event& e : lift_all_limits())
            tell(e);
        let_all_succeed(m, known, 3);
        check_counts(m, known);
        for (std::uint32_t t = 0; t < dag.tasks.size(); ++t)
            RC_ASSERT(!is_unsuccessful(m.state_of(task_index(t))));
        // A run that was cancelled when all of it was about to end well stays so.
        RC_ASSERT(m.state() == run_state::success || all.empty());
    }));
}

BOOST_AUTO_TEST_CASE(how_a_run_ends_does_not_depend_on_the_order_in_which_its_tasks_do)
{
    BOOST_TEST(rc::check("confluence", [] {
        choices shape(*bytes(150));
        graph::dag dag = random_dag(shape);
        dag.fail_fast = false;
        const auto fates = *bytes(30);
        const auto finish = [&](choices order, starts how) {
            run_machine m(dag);
            if (how == starts::on_request)
                m.start_on_request();
            books known(dag);
            known.take(m.start());
            while (!is_terminal(m.state())) {
                std::optional<event> next;
                if (m.may_start() && (known.in_flight.empty() || order.one_in(2)))
                    known.take(m.admit(1 + order.below(3)));
                if (!known.evaluating.empty() && (known.in_flight.empty() || order.one_in(2))) {
                    next = task_evaluated{task_index(pick(known.evaluating, order)), verdict::run, 3};
                } else {
                    const auto [t, i] = pick(known.in_flight, order).first;
                    const std::uint8_t fate = fates.empty() ? 0 : fates[(t * 3 + i) % fates.size()] % 5;
                    next = attempt_ended{task_index(t), item_index(i), static_cast<attempt_outcome>(fate)};
                }
                known.before(*next);
                known.take(m.apply(*next));
            }
            return std::pair(known.ended(), m.state());
        };
        const auto at_once = finish(choices(*bytes(200)), starts::at_once);
        RC_ASSERT(finish(choices(*bytes(200)), starts::at_once) == at_once);
        RC_ASSERT(finish(choices(*bytes(200)), starts::on_request) == at_once);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
