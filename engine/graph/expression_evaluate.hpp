#pragma once
/// @file
/// Values of compiled expressions.

#include "engine/graph/expression_program.hpp"

#include <utility>

namespace potoo::graph {

/// A value that is looked at where it is, or owned when it was made by the evaluation.
class operand
{
  public:
    explicit operand(const json::value& where) : view_(&where) {}

    explicit operand(json::value&& made) : own_(std::move(made)) {}

    [[nodiscard]] const json::value& get() const noexcept { return view_ != nullptr ? *view_ : own_; }

    [[nodiscard]] json::value release() && { return view_ != nullptr ? *view_ : std::move(own_); }

  private:
    const json::value* view_ = nullptr;
    json::value own_;
};

/// The result may look into `program` and into what `b` points to.
/// @throws expression_error
[[nodiscard]] operand evaluate(const detail::expression_program& program, const bindings& b);

/// @return null when the expression is no path from a name, or leads to nothing
/// @throws expression_error
[[nodiscard]] const json::value* find_in_place(const detail::expression_program& program, const bindings& b);

} // namespace potoo::graph
