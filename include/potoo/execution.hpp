#pragma once
/// @file
/// An execution is a branch that hangs below no other: what the engine starts from outside of any task.

#include <potoo/branch.hpp>

namespace potoo {

/// Derived classes hold a task, start it by `task_access<T>::start(task, *this)`, and learn of its end by `on_end`.
class execution : public branch
{
  public:
    /// Destroys the coroutine where it waits.
    virtual ~execution() = default;

  protected:
    /// @param name interned by the loop, or freed as `loop::name_is_read` says
    execution(potoo::loop& l, const std::string* name) noexcept : branch(l, name) {}
};

/// An execution that the loop keeps for nobody else does (`loop::adopt`).
class kept_execution : public execution
{
  protected:
    using execution::execution;

  private:
    friend class potoo::loop;

    kept_execution* next_ = nullptr;
    kept_execution* previous_ = nullptr;
};

} // namespace potoo
