#pragma once
/// @file
/// A wait with a limit that is no failure.

#include <potoo/concurrency.hpp>

#include <optional>
#include <utility>

namespace potoo::net {

/// What `t` yields, or nothing when `deadline` passes first. A cancellation of the branch itself is passed on.
template <class T>
task<std::optional<T>> before(steady_time deadline, task<T> t)
{
    branch& b = co_await this_branch();
    try {
        auto bounded = with_deadline(std::move(t), deadline);
        T value = co_await std::move(bounded);
        co_return std::move(value);
    } catch (const cancelled&) {
        if (b.cancel_requested() != cancel_reason::none)
            throw;
    }
    co_return std::nullopt;
}

} // namespace potoo::net
