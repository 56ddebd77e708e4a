#include "engine/server/tasks/task_service.hpp"

#include "engine/journal/store_error.hpp"
#include "engine/server/tasks/one_task_dag.hpp"
#include "engine/server/tasks/task_entry.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/error.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace potoo::server {

namespace {

using entry_ptr = std::shared_ptr<task_entry>;
using refusal = task_refused::kind;

/// Kinds of the ledger.
constexpr const char* task_kind = "task";
constexpr const char* key_kind = "task_key";

/// How long what a task tells of itself is kept in memory only.
constexpr duration time_to_gather{2'000};

/// After so long the ledger is asked again that could not be written.
constexpr duration time_to_recover{1'000};

/// Entries that are written at the same time.
constexpr std::size_t most_at_once = 256;

/// How often is looked for tasks that are too old to be kept.
constexpr duration time_to_age{600'000};

task_refused unknown_task(const std::string& id)
{
    return {refusal::unknown, fmt::format("there is no task {}", id)};
}

bool may_see(const principal& who, const task_entry& e)
{
    return e.shown.scope == task_scope::system || who.sees_work_of(e.shown.owner) || e.is_reader(who.name);
}

/// `TIME.ID`: where a page ended.
using list_place = std::pair<wall_time, std::string>;

std::string cursor_of(const task_view& last)
{
    return fmt::format("{}.{}", last.created.time_since_epoch().count(), last.id);
}

list_place place_of(const std::string& cursor)
{
    std::int64_t ms = 0;
    const auto dot = cursor.find('.');
    const char* end = cursor.data() + std::min(dot, cursor.size());
    const auto [read, problem] = std::from_chars(cursor.data(), end, ms);
    if (dot == std::string::npos || problem != std::errc() || read != end)
        throw task_refused(refusal::invalid, "the cursor is none: give `next` of the page before, as it was",
                           {{"/cursor", "is no cursor of this list", {}}});
    return {wall_time(duration(ms)), cursor.substr(dot + 1)};
}

bool matches(const task_filter& f, const task_view& v)
{
    const auto is = [](const std::string& wanted, const std::string& found) {
        return wanted.empty() || wanted == found;
    };
    return (!f.active || *f.active == !v.ended) && is(f.state, v.state) && is(f.key, v.key) && is(f.name, v.name) &&
           is(f.owner, v.owner.empty() ? "local user" : v.owner);
}

/// Of an entry of kind `task_key`; nothing when it names none.
std::optional<std::string> task_of_key(const json::value& kept)
{
    const json::value* id = kept.is_object() ? kept.get_object().if_contains("task") : nullptr;
    return id && id->is_string() ? std::optional<std::string>(id->get_string()) : std::nullopt;
}

task<> until(counter& c, std::uint64_t n)
{
    co_await c.reached(n);
}

} // namespace

struct task_service::parts
{
    parts(potoo::loop& l, runtime::ledger& f, task_runs& r, const operator_registry& o, task_rules t,
          std::function<void(std::string_view)> s)
        : loop(l), facts(f), runs(r), operators(o), rules(std::move(t)), say_line(std::move(s))
    {}

    void say(const std::string& line) const
    {
        if (say_line)
            say_line(line);
    }

    potoo::loop& loop;
    runtime::ledger& facts;
    task_runs& runs;
    const operator_registry& operators;
    task_rules rules;
    std::function<void(std::string_view)> say_line;

    std::unordered_map<std::string, entry_ptr> entries; ///< those that never began among them, until they are dropped
    std::map<std::string, entry_ptr> holders;           ///< of keys
    std::set<list_place> order;                         ///< what is listed
    std::set<list_place> ended;                         ///< by end
    std::deque<entry_ptr> ends;                         ///< to be written, and their keys let go of
    std::vector<entry_ptr> changes;                     ///< to be written some time
    steady_time write_due = steady_time::max();
    counter woken;
    std::size_t active = 0;

    [[nodiscard]] entry_ptr find(const std::string& id) const
    {
        const auto found = entries.find(id);
        return found == entries.end() ? nullptr : found->second;
    }

    [[nodiscard]] entry_ptr visible(const principal& who, const std::string& id) const
    {
        entry_ptr e = find(id);
        if (!e || e->failed || e->settled.value() == 0 || !may_see(who, *e))
            throw unknown_task(id);
        return e;
    }

    [[nodiscard]] entry_ptr holder(const std::string& slot) const
    {
        const auto found = holders.find(slot);
        return found == holders.end() ? nullptr : found->second;
    }

    void show(const entry_ptr& e)
    {
        order.emplace(e->shown.created, e->shown.id);
        if (e->has_ended())
            ended.emplace(*e->shown.ended, e->shown.id);
        else
            ++active;
        e->settled.advance_to(1);
    }

    void forget(const entry_ptr& e)
    {
        order.erase({e->shown.created, e->shown.id});
        if (e->has_ended())
            ended.erase({*e->shown.ended, e->shown.id});
        entries.erase(e->shown.id);
    }

    /// Of a run that was retried, it is not the first.
    void note_end(const entry_ptr& e, std::string state)
    {
        e->shown.state = std::move(state);
        if (e->shown.state == to_string(schedule::run_state::success))
            e->shown.fraction = 1;
        if (!e->has_ended()) {
            e->shown.ended = loop.wall_now();
            if (e->settled.value() != 0) {
                --active;
                ended.emplace(*e->shown.ended, e->shown.id);
            }
        }
        ends.push_back(e);
        woken.increment();
    }

    void note_change(const entry_ptr& e)
    {
        if (e->has_ended() || std::exchange(e->changed, true))
            return;
        changes.push_back(e);
        if (changes.size() > 1)
            return;
        write_due = loop.now() + time_to_gather;
        woken.increment();
    }

    [[nodiscard]] entry_ptr make_entry(const task_view& v);
    [[nodiscard]] task<> write(entry_ptr e);
    [[nodiscard]] task<> let_go(entry_ptr e);
    [[nodiscard]] task<> take_in(entry_ptr e);
    [[nodiscard]] task<std::set<std::string>> recall();
    [[nodiscard]] task<> free_keys(std::set<std::string> unreadable);
    void check_may_submit(const principal& who, const std::string& operator_name) const;
    [[nodiscard]] task<> begin(entry_ptr e, std::shared_ptr<const graph::dag> dag);
    [[nodiscard]] entry_ptr winner_of(const std::string& slot) const;
    [[nodiscard]] task<bool> join(entry_ptr e, principal who);
    [[nodiscard]] task<submitted_task> submit(principal who, task_view wish, std::shared_ptr<const graph::dag> dag);
    [[nodiscard]] task<task_cancellation> cancel(principal who, std::string id, bool force);
    [[nodiscard]] task<> write_ends();
    [[nodiscard]] task<> write_changes();
    [[nodiscard]] task<> drop_old();
};

task_service::task_service(potoo::loop& l, runtime::ledger& facts, task_runs& runs, const operator_registry& operators,
                           task_rules rules, std::function<void(std::string_view)> say)
    : parts_(std::make_unique<parts>(l, facts, runs, operators, std::move(rules), std::move(say)))
{}

task_service::~task_service() = default;

entry_ptr task_service::parts::make_entry(const task_view& v)
{
    auto e = std::make_shared<task_entry>();
    e->shown = v;
    e->readers = v.subscribers;
    do
        e->shown.id = runs.make_id().value();
    while (!entries.emplace(e->shown.id, e).second);
    return e;
}

task<> task_service::parts::write(entry_ptr e)
{
    e->changed = false;
    json::value kept = kept_form(*e);
    co_await facts.put(task_kind, e->shown.id, std::move(kept));
}

/// Of one that has ended, or never began: it is written, and its key is free for the next.
task<> task_service::parts::let_go(entry_ptr e)
{
    if (e->failed)
        co_await facts.erase(task_kind, e->shown.id);
    else if (find(e->shown.id) == e)
        co_await write(e);
    const std::string slot = slot_of(e->shown);
    if (!slot.empty() && e->released.value() == 0) {
        co_await facts.erase(key_kind, slot);
        if (holder(slot) == e)
            holders.erase(slot);
    }
    if (e->failed)
        entries.erase(e->shown.id);
    e->released.advance_to(1);
}

/// One that an engine before has left.
task<> task_service::parts::take_in(entry_ptr e)
{
    std::string id = e->shown.id;
    const std::string slot = slot_of(e->shown);
    const auto run = runs.find(run_id(id));
    if (!e->has_ended() && !run) {
        // Nobody was told of it: that waits for the run to be in the journal.
        co_await facts.erase(task_kind, std::move(id));
        co_return;
    }
    entries.emplace(id, e);
    if (e->has_ended()) {
        e->released.advance_to(1);
        show(e);
        co_return;
    }
    if (!slot.empty())
        holders.emplace(slot, e);
    if (run->ended) {
        e->shown.ended = run->ended;
        note_end(e, std::string(to_string(run->state)));
    }
    show(e);
    if (e->cancelling && !e->has_ended())
        co_await runs.cancel(run_id(std::move(id)));
}

/// @return ids of those that cannot be read
task<std::set<std::string>> task_service::parts::recall()
{
    std::set<std::string> unreadable;
    const auto leave = [&](const std::string& id, std::string_view why) {
        unreadable.insert(id);
        say(fmt::format("what the state directory says of the task {} cannot be read: {}; it is left as it is, and its "
                        "key stays taken",
                        id, why));
    };
    for (const auto& [id, kept] : facts.readable(task_kind, leave)) {
        auto e = std::make_shared<task_entry>();
        try {
            read_kept_form(kept, *e);
            if (e->shown.id != id)
                throw std::runtime_error("it is of another task");
        } catch (const std::exception& problem) {
            leave(id, problem.what());
            continue;
        }
        co_await take_in(std::move(e));
    }
    co_return unreadable;
}

/// Lets go of the keys of tasks that never began.
task<> task_service::parts::free_keys(std::set<std::string> unreadable)
{
    const auto leave = [this](const std::string& slot, std::string_view why) {
        say(fmt::format("what the state directory says of the key {} cannot be read: {}; it stays taken", slot, why));
    };
    for (const auto& [slot, kept] : facts.readable(key_kind, leave)) {
        if (holder(slot))
            continue;
        const auto id = task_of_key(kept);
        if (!id)
            leave(slot, "it names no task");
        else if (!unreadable.contains(*id))
            co_await facts.erase(key_kind, slot);
    }
}

task<> task_service::start()
{
    for (const std::string& name : parts_->rules.users_may_submit.value_or(std::vector<std::string>())) {
        if (!parts_->operators.find(name))
            parts_->say(fmt::format("`users_may_submit` names `{}`, and there is no such operator", name));
    }
    auto unreadable = co_await parts_->recall();
    co_await parts_->free_keys(std::move(unreadable));
    co_await parts_->write_ends();
}

void task_service::apply(task_rules rules)
{
    parts_->rules = std::move(rules);
    parts_->woken.increment();
}

/// The run of a task whose key is taken. @throws what keeps it from beginning; the key is let go of
task<> task_service::parts::begin(entry_ptr e, std::shared_ptr<const graph::dag> dag)
{
    std::exception_ptr failed;
    try {
        task_run run{run_id(e->shown.id), std::move(dag), {}};
        run.origin.by = "task";
        run.origin.who = e->shown.owner;
        run.origin.name = e->shown.name;
        run.origin.cause = e->shown.id;
        run.origin.key = e->shown.key;
        // Written in this order, so that there is no such run without its entry.
        auto written = write(e);
        auto started = runs.start(std::move(run));
        co_await all(std::move(written), std::move(started));
    } catch (...) {
        failed = std::current_exception();
    }
    if (!failed) {
        show(e);
        co_return;
    }
    e->failed = true;
    e->settled.advance_to(1);
    ends.push_back(e);
    woken.increment();
    std::rethrow_exception(failed);
}

/// Who has the key that was asked for in vain; null when it has just been let go of.
entry_ptr task_service::parts::winner_of(const std::string& slot) const
{
    const auto row = facts.find(key_kind, slot);
    if (!row)
        return nullptr;
    const auto id = task_of_key(*row);
    entry_ptr e = id ? find(*id) : nullptr;
    if (!e)
        throw task_refused(refusal::conflict,
                           fmt::format("the key is held by the task {}, of which the state directory says nothing that "
                                       "can be read: ask with another key",
                                       id.value_or("?")));
    return e;
}

/// @return false when it is over: the key is free again
task<bool> task_service::parts::join(entry_ptr e, principal who)
{
    co_await e->settled.reached(1);
    if (e->failed || e->has_ended()) {
        co_await e->released.reached(1);
        co_return false;
    }
    if (e->cancelling)
        throw task_refused(
            refusal::conflict,
            fmt::format("the task {} of that key is being cancelled; ask again when it has ended", e->shown.id));
    if (e->shown.scope == task_scope::system || e->is_subscribed(who.name))
        co_return true;
    e->subscribe(who.name);
    co_await write(e);
    co_return true;
}

task<submitted_task> task_service::parts::submit(principal who, task_view wish, std::shared_ptr<const graph::dag> dag)
{
    const std::string slot = slot_of(wish);
    for (;;) {
        entry_ptr e = slot.empty() ? nullptr : holder(slot);
        if (!e) {
            const entry_ptr made = make_entry(wish);
            bool mine = slot.empty();
            if (!mine) {
                json::value taker = json::object{{"task", made->shown.id}};
                try {
                    mine = co_await facts.insert(key_kind, slot, std::move(taker));
                } catch (...) {
                    entries.erase(made->shown.id);
                    throw;
                }
                if (mine)
                    holders[slot] = made;
            }
            if (mine) {
                co_await begin(made, dag);
                co_return submitted_task{made->shown.id, true};
            }
            entries.erase(made->shown.id);
            e = winner_of(slot);
            if (!e)
                continue;
        }
        const bool joined = co_await join(e, who);
        if (joined)
            co_return submitted_task{e->shown.id, false};
    }
}

/// An operator that there is not is told as such, later.
void task_service::parts::check_may_submit(const principal& who, const std::string& operator_name) const
{
    if (who.is_admin() || lets_users_submit(rules, operator_name) || !operators.find(operator_name))
        return;
    throw task_refused(refusal::forbidden,
                       fmt::format("only an admin submits tasks of the operator `{}` here; the server's "
                                   "`users_may_submit` says which others submit",
                                   operator_name),
                       {{"/operator", "is for admins", {}}});
}

task<submitted_task> task_service::submit(principal who, task_request wish)
{
    if (wish.scope == task_scope::system && !who.is_admin())
        throw task_refused(refusal::forbidden, "only an admin begins a task of the scope `system`",
                           {{"/scope", "is for admins: use `private` or `shared`", {}}});
    parts_->check_may_submit(who, wish.operator_name);
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
    auto work = parts_->submit(std::move(who), std::move(v), std::move(dag));
    auto made = co_await shield(std::move(work), steady_time::max());
    co_return made;
}

task<task_cancellation> task_service::parts::cancel(principal who, std::string id, bool force)
{
    const entry_ptr e = visible(who, id);
    if (e->has_ended())
        co_return task_cancellation::ended;
    const bool before = e->cancelling;
    if (force || e->shown.scope == task_scope::system) {
        if (!who.is_admin())
            throw task_refused(refusal::forbidden,
                               force ? "only an admin cancels what others have subscribed to: ask without `force`"
                                     : "only an admin cancels a task of the scope `system`");
    } else if (!e->is_reader(who.name)) {
        throw task_refused(refusal::forbidden, fmt::format("{} has not subscribed to the task {}{}", who.shown(), id,
                                                           who.is_admin() ? "; `force` cancels it all the same" : ""));
    } else if (!before) {
        e->unsubscribe(who.name);
        if (!e->shown.subscribers.empty()) {
            co_await write(e);
            co_return task_cancellation::unsubscribed;
        }
    }
    e->cancelling = true;
    e->shown.state = "cancelling";
    co_await write(e);
    const auto answer = co_await runs.cancel(run_id(std::move(id)));
    using what = host::request_result::kind;
    if (answer.what == what::ended)
        co_return task_cancellation::ended;
    if (answer.what != what::accepted && answer.what != what::repeated)
        throw task_refused(refusal::conflict, answer.text);
    co_return before ? task_cancellation::repeated : task_cancellation::cancelling;
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
    const entry_ptr e = parts_->find(id);
    return e && !e->failed && e->settled.value() != 0;
}

bool task_service::is_wanted_by_others(const principal& who, const std::string& id) const
{
    if (!knows(id))
        return false;
    const task_view& t = parts_->find(id)->shown;
    return t.scope == task_scope::system ||
           std::ranges::any_of(t.subscribers, [&](const std::string& name) { return name != who.name; });
}

task_page task_service::list(const principal& who, const task_filter& which) const
{
    task_page page;
    const auto& order = parts_->order;
    auto at = which.cursor.empty() ? order.end() : order.lower_bound(place_of(which.cursor));
    while (at != order.begin()) {
        --at;
        const entry_ptr e = parts_->find(at->second);
        if (!may_see(who, *e) || !matches(which, e->shown))
            continue;
        if (page.tasks.size() == std::max<std::size_t>(which.limit, 1)) {
            page.next = cursor_of(page.tasks.back());
            break;
        }
        page.tasks.push_back(e->shown);
    }
    return page;
}

void task_service::hear(const run_notice& n)
{
    if (!n.run || !n.origin || n.origin->by != "task")
        return;
    const entry_ptr e = parts_->find(n.run->value());
    if (!e)
        return;
    switch (n.what) {
    case run_notice::kind::progress:
        e->shown.fraction = n.fraction;
        e->shown.message = n.text;
        parts_->note_change(e);
        break;
    case run_notice::kind::property:
        e->shown.properties[n.text] = n.value ? *n.value : json::value();
        parts_->note_change(e);
        break;
    case run_notice::kind::ended:
        if (!n.detached)
            parts_->note_end(e, std::string(to_string(n.state)));
        break;
    case run_notice::kind::warning:
        break;
    }
}

std::size_t task_service::active() const noexcept
{
    return parts_->active;
}

task<> task_service::parts::write_ends()
{
    while (!ends.empty()) {
        const std::size_t n = std::min(ends.size(), most_at_once);
        std::vector<task<>> work;
        for (std::size_t i = 0; i < n; ++i)
            work.push_back(let_go(ends[i]));
        co_await all(std::move(work));
        ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(n));
    }
}

task<> task_service::parts::write_changes()
{
    write_due = steady_time::max();
    while (!changes.empty()) {
        const std::size_t n = std::min(changes.size(), most_at_once);
        const std::vector<entry_ptr> some(changes.end() - static_cast<std::ptrdiff_t>(n), changes.end());
        changes.resize(changes.size() - n);
        std::vector<task<>> work;
        for (const entry_ptr& e : some) {
            if (!e->has_ended())
                work.push_back(write(e));
        }
        try {
            co_await all(std::move(work));
        } catch (...) {
            write_due = loop.now() + time_to_recover;
            for (const entry_ptr& e : some) {
                if (!std::exchange(e->changed, true))
                    changes.push_back(e);
            }
            throw;
        }
    }
}

task<> task_service::parts::drop_old()
{
    while (!ended.empty()) {
        const auto [when, id] = *ended.begin();
        const entry_ptr e = find(id);
        const bool kept = ended.size() <= rules.keep.count && loop.wall_now() - when <= rules.keep.age;
        if (kept || e->released.value() == 0)
            break;
        co_await facts.erase(task_kind, id);
        forget(e);
    }
}

task<> task_service::tend()
{
    for (;;) {
        const std::uint64_t seen = parts_->woken.value();
        steady_time due = parts_->loop.now() + time_to_age;
        try {
            co_await parts_->write_ends();
            co_await parts_->drop_old();
            if (parts_->loop.now() >= parts_->write_due)
                co_await parts_->write_changes();
        } catch (const journal::store_error&) {
            // Whoever watches the journal tells of it.
            due = parts_->loop.now() + time_to_recover;
        }
        due = std::min(due, parts_->write_due);
        try {
            auto change = until(parts_->woken, seen + 1);
            co_await with_deadline(std::move(change), due);
        } catch (const cancelled& c) {
            if (c.reason() != cancel_reason::deadline)
                throw;
        }
    }
}

} // namespace potoo::server
