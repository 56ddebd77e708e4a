#pragma once
/// @file
/// Tasks side by side. `all`, `any` and `scope` are the only ways to have more than one: none returns before everything
/// it started has ended, so nothing outlives the coroutine that started it. `with_deadline`, `in_time` and `shield` run
/// one task under another rule of cancellation.
///
/// A cancellation of the branch that awaits one of these reaches every task in it (not through `shield`).

#include <potoo/task.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace potoo {

namespace detail {

class group;

/// One branch of a group.
class member : public branch
{
  public:
    member() = default;
    virtual ~member() = default;

    void attach(group& g, branch& parent, std::uint32_t position) noexcept
    {
        group_ = &g;
        set_parent(parent, position);
    }

    /// Runs until it first waits, or ends.
    virtual void start() = 0;

    [[nodiscard]] virtual std::exception_ptr error() const noexcept = 0;

    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    void on_end() noexcept final;

    group* group_ = nullptr;
    bool ended_ = false;
};

template <class T>
class typed_member final : public member
{
  public:
    explicit typed_member(task<T> t) noexcept : task_(std::move(t)) {}

    void start() override { task_access<T>::start(task_, *this); }

    [[nodiscard]] std::exception_ptr error() const noexcept override
    {
        return task_access<T>::result(const_cast<task<T>&>(task_)).error();
    }

    /// Only after it ended.
    T take() { return task_access<T>::result(task_).take(); }

  private:
    task<T> task_;
};

/// The wait for members to end. What the end of one means for the others is the derived class's rule.
class group : public leaf
{
  public:
    void await_resume() const noexcept {}

    /// The first member to end with an exception that was not caused by the group itself.
    [[nodiscard]] const std::exception_ptr& first_error() const noexcept { return first_error_; }

    [[nodiscard]] std::optional<std::uint32_t> first_ended() const noexcept { return first_ended_; }

    [[nodiscard]] std::optional<std::uint32_t> first_failed() const noexcept { return first_failed_; }

    /// The branch was told to stop before the group began.
    using leaf::throw_if_cancelled;

  protected:
    group() = default;
    ~group() = default;

    /// Starts `m` on a branch below the owner's. Only while the group waits or starts.
    void run(member& m, std::uint32_t position);

    /// Keeps the wait from ending while members are being started.
    void hold() noexcept { ++live_; }

    /// @return true if nothing is left to wait for
    [[nodiscard]] bool drop() noexcept { return --live_ == 0; }

    /// The end of no other member counts.
    void decide_by(std::optional<std::uint32_t> position) noexcept { decider_ = position; }

    [[nodiscard]] bool counts(const member& m) const noexcept { return !decider_ || *decider_ == m.position(); }

    /// Tells those that have not ended to stop, and those that are started later too.
    virtual void cancel_members(cancel_reason reason) noexcept = 0;

    /// Called when a member has ended, before the group's wait may end. The member may be destroyed here.
    virtual void member_ended(member& m) noexcept = 0;

  private:
    friend class member;

    bool withdraw() noexcept final;

    std::size_t live_ = 0;
    std::exception_ptr first_error_;
    std::optional<std::uint32_t> first_ended_;
    std::optional<std::uint32_t> first_failed_;
    std::optional<std::uint32_t> decider_;
};

/// A group whose members are known from the start. In a replay the member that decided it is the only one whose end
/// counts; the others go first, as far as they came before.
class fixed_group final : public group
{
  public:
    enum class rule : std::uint8_t
    {
        wait_for_all,   ///< a failure stops the others
        first_end_wins, ///< the first end, however it ends, stops the others
    };

    fixed_group(rule r, std::vector<member*> members) noexcept : rule_(r), members_(std::move(members)) {}

    ~fixed_group() { abandon(); }

    /// After it was awaited: has it remembered who decided it.
    /// @throws cancelled when the branch was told to stop before all had been started, so that there is no outcome
    /// @throws fatal when a replay came to another end than the one that is remembered
    void settle();

  private:
    bool start() override;
    void cancel_members(cancel_reason reason) noexcept override;
    void member_ended(member& m) noexcept override;

    rule rule_;
    std::vector<member*> members_;
    cancel_reason stop_ = cancel_reason::none;
};

template <class T>
using non_void = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
non_void<T> take_value(typed_member<T>& m)
{
    if constexpr (std::is_void_v<T>) {
        m.take();
        return {};
    } else {
        return m.take();
    }
}

} // namespace detail

/// Runs all tasks and waits until every one has ended. If one throws, the others are told to stop (`sibling`), and the
/// first exception is rethrown after all have ended. A `void` task yields `std::monostate`.
template <class... Ts>
    requires(sizeof...(Ts) > 0)
task<std::tuple<detail::non_void<Ts>...>> all(task<Ts>... tasks)
{
    std::tuple<detail::typed_member<Ts>...> members(std::move(tasks)...);
    std::vector<detail::member*> pointers =
        std::apply([](auto&... m) { return std::vector<detail::member*>{&m...}; }, members);
    detail::fixed_group wait(detail::fixed_group::rule::wait_for_all, std::move(pointers));
    co_await wait;
    wait.settle();
    wait.throw_if_cancelled();
    if (wait.first_error())
        std::rethrow_exception(wait.first_error());
    co_return std::apply([](auto&... m) { return std::tuple<detail::non_void<Ts>...>{detail::take_value(m)...}; },
                         members);
}

/// The same for any number of tasks of one type, the values in the order of the tasks.
template <class T>
task<std::vector<T>> all(std::vector<task<T>> tasks)
{
    std::list<detail::typed_member<T>> members;
    std::vector<detail::member*> pointers;
    pointers.reserve(tasks.size());
    for (auto& t : tasks)
        pointers.push_back(&members.emplace_back(std::move(t)));
    detail::fixed_group wait(detail::fixed_group::rule::wait_for_all, std::move(pointers));
    co_await wait;
    wait.settle();
    wait.throw_if_cancelled();
    if (wait.first_error())
        std::rethrow_exception(wait.first_error());
    std::vector<T> values;
    values.reserve(members.size());
    for (auto& m : members)
        values.push_back(m.take());
    co_return values;
}

task<> all(std::vector<task<>> tasks);

/// A task that yields nothing as one that yields a value, for what works on values.
[[nodiscard]] task<std::monostate> as_value(task<> t);

/// Runs all tasks until the first one ends, with a value or an exception; tells the others to stop (`sibling`) and
/// waits until they have. Yields the value of the first, by its position, or rethrows its exception.
template <class... Ts>
    requires(sizeof...(Ts) > 0)
task<std::variant<detail::non_void<Ts>...>> any(task<Ts>... tasks)
{
    std::tuple<detail::typed_member<Ts>...> members(std::move(tasks)...);
    std::vector<detail::member*> pointers =
        std::apply([](auto&... m) { return std::vector<detail::member*>{&m...}; }, members);
    detail::fixed_group wait(detail::fixed_group::rule::first_end_wins, std::move(pointers));
    co_await wait;
    wait.settle();
    wait.throw_if_cancelled();
    const std::size_t winner = *wait.first_ended();
    using result = std::variant<detail::non_void<Ts>...>;
    std::optional<result> value;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((I == winner ? (void)value.emplace(std::in_place_index<I>, detail::take_value(std::get<I>(members))) : void()),
         ...);
    }(std::index_sequence_for<Ts...>{});
    co_return std::move(*value);
}

/// Position and value of the first to end. `tasks` must not be empty.
template <class T>
task<std::pair<std::size_t, T>> any(std::vector<task<T>> tasks)
{
    if (tasks.empty())
        throw std::invalid_argument("any() of no tasks would never end");
    std::list<detail::typed_member<T>> members;
    std::vector<detail::typed_member<T>*> typed;
    for (auto& t : tasks)
        typed.push_back(&members.emplace_back(std::move(t)));
    std::vector<detail::member*> pointers(typed.begin(), typed.end());
    detail::fixed_group wait(detail::fixed_group::rule::first_end_wins, std::move(pointers));
    co_await wait;
    wait.settle();
    wait.throw_if_cancelled();
    const std::size_t winner = *wait.first_ended();
    co_return std::pair<std::size_t, T>(winner, typed[winner]->take());
}

/// A nursery: tasks are added while it runs, it ends when all in it have ended. Made by `with_scope`.
class scope final : private detail::group
{
  public:
    /// Starts `t` now: it runs until it first waits. What it returns is dropped; if it throws, the others are told to
    /// stop and `with_scope` rethrows it.
    void spawn(task<> t);

    /// Tells everything in it to stop, what is added later too.
    void cancel(cancel_reason reason) noexcept { cancel_members(reason); }

    /// Tasks that have not ended, the body included.
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

    ~scope() { abandon(); }

  private:
    template <class Body>
    friend task<> with_scope(Body body);

    scope() = default;

    void set_body(task<> t) { body_ = std::move(t); }

    bool start() override;
    void cancel_members(cancel_reason reason) noexcept override;
    void member_ended(detail::member& m) noexcept override;

    task<> body_;
    std::list<detail::typed_member<void>> members_;
    std::uint32_t next_position_ = 0;
    cancel_reason stop_ = cancel_reason::none;
};

namespace detail {

/// Calls `body` once the scope is open, so that it may spawn before its first wait even if it is no coroutine itself.
template <class Body>
task<> run_body(Body& body, scope& s)
{
    co_await body(s);
}

} // namespace detail

/// Runs `body(scope&)`, a `task<>`, and waits for it and for everything it (or they) spawned in the scope. The first
/// exception stops the others and is rethrown after all have ended.
template <class Body>
task<> with_scope(Body body)
{
    scope s;
    s.set_body(detail::run_body(body, s));
    co_await static_cast<detail::group&>(s);
    s.throw_if_cancelled();
    if (s.first_error())
        std::rethrow_exception(s.first_error());
}

namespace detail {

/// A group of one, with a deadline, in or out of reach of the branch's cancellation.
class bounded_group final : public group, private timer_node
{
  public:
    bounded_group(member& m, steady_time deadline, bool shielded) noexcept
        : member_(&m), deadline_(deadline), shielded_(shielded)
    {}

    ~bounded_group();

  private:
    [[nodiscard]] bool respects_cancellation() const noexcept override { return !shielded_; }

    bool start() override;
    void cancel_members(cancel_reason reason) noexcept override;
    void member_ended(member& m) noexcept override;
    void on_due() override;

    member* member_;
    steady_time deadline_;
    bool shielded_;
};

template <class T>
task<T> run_bounded(task<T> t, steady_time deadline, bool shielded)
{
    typed_member<T> m(std::move(t));
    bounded_group wait(m, deadline, shielded);
    co_await wait;
    wait.throw_if_cancelled();
    co_return m.take();
}

} // namespace detail

/// Runs `t`; at `deadline` it is told to stop (`deadline`). Waits until it has ended and yields its value or rethrows.
/// A task that ends in time after all keeps its value.
template <class T>
task<T> with_deadline(task<T> t, steady_time deadline)
{
    return detail::run_bounded(std::move(t), deadline, false);
}

/// The same for a deadline whose passing is no failure: nothing, instead of `cancelled`, when `t` was told to stop by
/// it and did. A `void` task that ended in time yields `std::monostate`. A cancellation of this branch is passed on,
/// and so is that of an earlier deadline within `t`.
template <class T>
task<std::optional<detail::non_void<T>>> in_time(task<T> t, steady_time deadline)
{
    detail::typed_member<T> m(std::move(t));
    detail::bounded_group wait(m, deadline, false);
    co_await wait;
    wait.throw_if_cancelled();
    branch& here = co_await this_branch();
    try {
        co_return detail::take_value(m);
    } catch (const cancelled& c) {
        const bool by_deadline = c.reason() == cancel_reason::deadline && here.loop().now() >= deadline;
        if (here.cancel_requested() != cancel_reason::none || !by_deadline)
            throw;
    }
    co_return std::nullopt;
}

/// Runs `t` out of reach of a cancellation of this branch, even one that came before: for clean-up. At `deadline`,
/// which may be `steady_time::max()`, it is told to stop.
template <class T>
task<T> shield(task<T> t, steady_time deadline)
{
    return detail::run_bounded(std::move(t), deadline, true);
}

} // namespace potoo
