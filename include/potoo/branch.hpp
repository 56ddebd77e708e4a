#pragma once
/// @file
/// A branch is one line of execution: a coroutine and those it awaits, of which at most one leaf waits at a time. An
/// attempt is a branch; each task given to `all`, `any` or a `scope` runs on a branch below it. Cancellation, deadlines
/// and the watchdog speak to branches.

#include <potoo/error.hpp>
#include <potoo/loop.hpp>

#include <coroutine>
#include <cstdint>
#include <optional>

namespace potoo {

class branch;
class leaf;

/// How the groups of tasks below a root branch were decided in an earlier life of it, so that a replay goes the same
/// way: which task of an `any` was the first to end, which of an `all` the first to fail.
class decision_memory
{
  public:
    /// A group begins on `where`. @return the position of the task that decided it, if that is known
    [[nodiscard]] virtual std::optional<std::uint32_t> recall(const branch& where, std::uint32_t tasks) = 0;

    /// The task at this position has decided it, while nobody had told `where` to stop; others may not have ended.
    virtual void decide(const branch& where, std::uint32_t tasks, std::uint32_t decided_by) = 0;

    /// It has ended. @param stopped somebody told `where` to stop meanwhile
    /// @param decided_by none when all of an `all` ended well, or nobody had decided it before it was stopped
    /// @throws fatal when it came to another end than the one that is known
    virtual void settle(const branch& where, std::uint32_t tasks, std::optional<std::uint32_t> decided_by,
                        bool stopped) = 0;

  protected:
    ~decision_memory() = default;
};

class branch
{
  public:
    branch(const branch&) = delete;
    branch& operator=(const branch&) = delete;

    [[nodiscard]] potoo::loop& loop() const noexcept { return *loop_; }

    [[nodiscard]] branch* parent() const noexcept { return parent_; }

    /// Place among its siblings, from 0: with those of its ancestors it names the branch the same way in every replay.
    [[nodiscard]] std::uint32_t position() const noexcept { return position_; }

    /// Why this branch was told to stop; `none` if it was not.
    [[nodiscard]] cancel_reason cancel_requested() const noexcept { return reason_; }

    /// Tells the branch to stop. What it awaits now, and whatever it awaits later outside of a shielded scope, throws
    /// `cancelled`. The first reason stays. Returns before any coroutine has run.
    void cancel(cancel_reason reason) noexcept;

    [[nodiscard]] const std::string* name() const noexcept { return name_; }

    /// That of the root above this branch; null when that is not replayed.
    [[nodiscard]] decision_memory* memory()
    {
        branch* root = this;
        while (root->parent_)
            root = root->parent_;
        return root->decisions();
    }

    /// Continues a coroutine of this branch, known to the watchdog by the branch's name while it runs.
    void resume(std::coroutine_handle<> h);

  protected:
    /// The root of an execution. `name` is interned by the loop, or freed as `loop::name_is_read` says.
    branch(potoo::loop& l, const std::string* name) noexcept : loop_(&l), name_(name) {}

    /// A branch below another.
    branch(branch& parent, std::uint32_t position) noexcept
        : loop_(parent.loop_), parent_(&parent), name_(parent.name_), position_(position)
    {}

    ~branch() = default;

    void set_parent(branch& parent, std::uint32_t position) noexcept
    {
        loop_ = parent.loop_;
        parent_ = &parent;
        name_ = parent.name_;
        position_ = position;
    }

    branch() = default;

  private:
    friend class leaf;
    template <class T>
    friend struct task_access;
    friend struct final_awaiter;

    /// Of a root that can be replayed.
    [[nodiscard]] virtual decision_memory* decisions() { return nullptr; }

    /// The branch's outermost coroutine has ended and is suspended for good; it may be destroyed from here.
    virtual void on_end() noexcept = 0;

    potoo::loop* loop_ = nullptr;
    branch* parent_ = nullptr;
    leaf* waiting_ = nullptr;
    const std::string* name_ = nullptr;
    std::uint32_t position_ = 0;
    cancel_reason reason_ = cancel_reason::none;
};

/// Base of everything that a branch can wait for: an awaiter that lives in the frame of the coroutine that awaits it.
/// A derived class says how to start and how to withdraw; it calls `complete` when what it waits for has happened.
class leaf : private ready_node
{
  public:
    leaf(const leaf&) = delete;
    leaf& operator=(const leaf&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h)
    {
        static_assert(
            requires { h.promise().current_branch(); },
            "only a potoo::task can await this; in an asio::awaitable use as_awaitable");
        return suspend(h, h.promise().current_branch());
    }

  protected:
    leaf() = default;
    ~leaf();

    /// Begins to wait. @return false if there is nothing to wait for: the coroutine goes on at once. What it throws,
    /// the `co_await` throws.
    virtual bool start() = 0;

    /// The branch was told to stop, or the frame is being destroyed: forget the wait, so that `complete` is not called
    /// later. @return true if the coroutine may go on now; false if `complete` will be called in due time nevertheless.
    virtual bool withdraw() noexcept = 0;

    /// What is to become of a branch that was told to stop before it began to wait: throws unless this is false.
    [[nodiscard]] virtual bool respects_cancellation() const noexcept { return true; }

    /// Ends the wait: the coroutine is resumed after what runs now has returned. No effect if it is not waiting.
    void complete() noexcept;

    /// Ends the wait and resumes the coroutine at once: only from a handler of the loop that does nothing after it.
    void complete_now();

    [[nodiscard]] bool waiting() const noexcept { return state_ == state::waiting; }

    [[nodiscard]] branch& owner() const noexcept { return *branch_; }

    /// For `await_resume`: throws `cancelled` if the wait ended for that reason.
    void throw_if_cancelled() const
    {
        if (withdrawn_)
            throw cancelled(branch_->cancel_requested());
    }

    [[nodiscard]] bool was_withdrawn() const noexcept { return withdrawn_; }

    /// Called first in the destructor of a derived class whose `withdraw` uses its own members.
    void abandon() noexcept;

  private:
    friend class branch;
    friend class borrowed_leaf;

    enum class state : std::uint8_t
    {
        idle,
        waiting,
        ready,
    };

    bool suspend(std::coroutine_handle<> h, branch& b);
    void cancel() noexcept;
    void on_ready() final;

    branch* branch_ = nullptr;
    std::coroutine_handle<> waiter_;
    state state_ = state::idle;
    bool withdrawn_ = false;
};

/// Awaits a leaf that does not live in the frame of the coroutine: `co_await borrowed_leaf(l);`. Yields nothing: ask
/// the leaf's owner how it went. A frame that is destroyed while it waits withdraws.
class borrowed_leaf
{
  public:
    explicit borrowed_leaf(leaf& l) noexcept : leaf_(l) {}

    borrowed_leaf(const borrowed_leaf&) = delete;
    borrowed_leaf& operator=(const borrowed_leaf&) = delete;

    ~borrowed_leaf() { leaf_.abandon(); }

    [[nodiscard]] bool await_ready() const noexcept { return leaf_.await_ready(); }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h)
    {
        return leaf_.await_suspend(h);
    }

    void await_resume() const noexcept {}

  private:
    leaf& leaf_;
};

} // namespace potoo
