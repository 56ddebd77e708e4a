#include "engine/server/tasks/task_service.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/server/tasks/one_task_dag.hpp"
#include "engine/server/tasks/task_backlog.hpp"
#include "engine/server/tasks/task_book.hpp"
#include "engine/server/tasks/task_ends.hpp"
#include "engine/server/tasks/task_ledger.hpp"
#include "engine/server/tasks/task_recovery.hpp"
#include "engine/server/tasks/task_upkeep.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::server {

namespace {

/// How often is looked for tasks that are too old to be kept.
constexpr duration time_to_age{600'000};

task<> until(counter& c, std::uint64_t n)
{
    co_await c.reached(n);
}

} // namespace

struct task_service::parts
{
    parts(potoo::loop& l, runtime::ledger& facts, task_runs& r, const operator_registry& o, task_rules t,
          std::function<void(std::string_view)> w)
        : loop(l), runs(r), operators(o), rules(std::move(t)), warn(std::move(w)), kept(facts)
    {}

    /// As it is now. @throws task_refused (`unknown`)
    [[nodiscard]] task_entry_ptr visible(const principal& who, const std::string& id)
    {
        task_entry_ptr e = book.find_begun(id);
        if (!e || !may_see(who, *e))
            throw task_refused(task_refused::kind::unknown, fmt::format("there is no task {}", id));
        ends.catch_up(e);
        return e;
    }

    [[nodiscard]] task<task_cancellation> cancel(principal who, std::string id, bool force);

    void check_rules() const;

    potoo::loop& loop;
    task_runs& runs;
    const operator_registry& operators;
    task_rules rules;
    std::function<void(std::string_view)> warn; ///< may be empty

    counter woken; ///< there is more to tend
    task_book book;
    task_ledger kept;
    task_backlog backlog{woken};
    task_ends ends{book, runs, backlog};
    task_admission admission{book, kept, runs, ends, backlog};
    task_upkeep upkeep{loop, book, kept, backlog, rules};
};

/// Names that nothing has: users would be refused without anybody's knowing why.
void task_service::parts::check_rules() const
{
    if (!warn || !rules.users_may_submit)
        return;
    std::vector<std::string_view> known;
    for (const auto* o : operators.all())
        known.push_back(o->name);
    for (const std::string& name : *rules.users_may_submit) {
        if (operators.find(name))
            continue;
        const auto nearest = graph::nearest_spelling(name, known);
        warn(fmt::format("`users_may_submit` names `{}`, and there is no such operator{}", name,
                         nearest.empty() ? std::string() : fmt::format("; did you mean `{}`?", nearest)));
    }
}

task_service::task_service(potoo::loop& l, runtime::ledger& facts, task_runs& runs, const operator_registry& operators,
                           task_rules rules, std::function<void(std::string_view)> warn)
    : parts_(std::make_unique<parts>(l, facts, runs, operators, std::move(rules), std::move(warn)))
{}

task_service::~task_service() = default;

task<> task_service::start()
{
    parts_->check_rules();
    task_recovery recovery(parts_->book, parts_->kept, parts_->runs, parts_->backlog, parts_->warn);
    co_await recovery.recover();
    co_await parts_->upkeep.write_ends();
}

void task_service::apply(task_rules rules)
{
    parts_->rules = std::move(rules);
    parts_->check_rules();
    parts_->woken.increment();
}

task<submitted_task> task_service::submit(principal who, task_request wish)
{
    check_may_submit(who, wish, parts_->rules, parts_->operators);
    auto dag = make_one_task_dag(wish, parts_->operators);
    task_view v;
    v.operator_name = std::move(wish.operator_name);
    v.name = std::move(wish.name);
    v.key = std::move(wish.key);
    v.scope = wish.scope;
    v.owner = who.name;
    if (v.scope != task_scope::system)
        v.subscribers.push_back(who.name);
    v.created = parts_->loop.wall_now();
    v.state = to_string(schedule::run_state::running);
    v.properties = std::move(wish.properties);
    // Half of it is worse than all of it, whether or not the asker waits for the answer.
    auto work = parts_->admission.submit(std::move(who), std::move(v), std::move(dag));
    auto made = co_await shield(std::move(work), steady_time::max());
    co_return made;
}

task<task_cancellation> task_service::parts::cancel(principal who, std::string id, bool force)
{
    const task_entry_ptr e = visible(who, id);
    const auto comes_to = take_cancellation(who, *e, force);
    if (comes_to == task_cancellation::ended)
        co_return comes_to;
    co_await kept.write(e);
    if (comes_to == task_cancellation::unsubscribed)
        co_return comes_to;
    const auto answer = co_await runs.cancel(run_id(std::move(id)));
    using what = host::request_result::kind;
    if (answer.what == what::ended)
        co_return task_cancellation::ended;
    if (answer.what != what::accepted && answer.what != what::repeated)
        throw task_refused(task_refused::kind::conflict, answer.text);
    co_return comes_to;
}

task<task_cancellation> task_service::cancel(principal who, std::string id, bool force)
{
    auto work = parts_->cancel(std::move(who), std::move(id), force);
    auto done = co_await shield(std::move(work), steady_time::max());
    co_return done;
}

task_view task_service::find(const principal& who, const std::string& id) const
{
    return parts_->visible(who, id)->shown;
}

task_runs::result task_service::result_of(const principal& who, const std::string& id) const
{
    return parts_->visible(who, id)->has_ended() ? parts_->runs.result_of(run_id(id)) : task_runs::result();
}

bool task_service::knows(const std::string& id) const
{
    return parts_->book.find_begun(id) != nullptr;
}

bool task_service::is_wanted_by_others(const principal& who, const std::string& id) const
{
    const task_entry_ptr e = parts_->book.find_begun(id);
    return e && (e->shown.scope == task_scope::system ||
                 std::ranges::any_of(e->shown.subscribers, [&](const std::string& name) { return name != who.name; }));
}

task_page task_service::list(const principal& who, const task_filter& which) const
{
    parts_->ends.catch_up();
    return parts_->book.page(who, which);
}

void task_service::hear(const run_notice& n)
{
    if (!n.run || !n.origin || n.origin->by != "task")
        return;
    const task_entry_ptr e = parts_->book.find(n.run->value());
    if (!e)
        return;
    switch (n.what) {
    case run_notice::kind::progress:
        e->shown.fraction = n.fraction;
        e->shown.message = n.text;
        parts_->backlog.add_change(e, parts_->loop.now());
        break;
    case run_notice::kind::property:
        e->shown.properties[n.text] = n.value ? *n.value : json::value();
        parts_->backlog.add_change(e, parts_->loop.now());
        break;
    case run_notice::kind::ended:
        if (n.detached)
            break;
        parts_->book.end(e, std::string(to_string(n.state)), parts_->loop.wall_now());
        parts_->backlog.add_end(e);
        break;
    case run_notice::kind::warning:
        break;
    }
}

std::size_t task_service::active() const noexcept
{
    return parts_->book.active();
}

task<> task_service::tend()
{
    for (;;) {
        const std::uint64_t seen = parts_->woken.value();
        steady_time due = parts_->loop.now() + time_to_age;
        steady_time not_before = steady_time::min();
        try {
            co_await parts_->upkeep.write_ends();
            co_await parts_->upkeep.drop_old();
            co_await parts_->upkeep.write_changes();
        } catch (const journal::store_error&) {
            // Whoever watches the journal tells of it.
            due = not_before = parts_->loop.now() + task_upkeep::time_to_recover;
        }
        due = std::max(not_before, std::min(due, parts_->backlog.changes_due()));
        auto change = until(parts_->woken, seen + 1);
        co_await in_time(std::move(change), due);
    }
}

} // namespace potoo::server
