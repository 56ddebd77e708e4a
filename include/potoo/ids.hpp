#pragma once
/// @file
/// Identifiers that cannot be taken for one another.

#include <potoo/detail/compact_text.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace potoo {

/// A value of type `Rep` that converts to and from nothing by itself. `Tag` tells one id type from another.
template <class Tag, class Rep>
class strong_id
{
  public:
    using rep = Rep;

    constexpr strong_id() = default;

    constexpr explicit strong_id(Rep value) : value_(std::move(value)) {}

    [[nodiscard]] constexpr const Rep& value() const noexcept { return value_; }

    friend constexpr auto operator<=>(const strong_id&, const strong_id&) = default;

  private:
    Rep value_{};
};

/// Position of a task in its DAG, from 0, in the order of the file.
using task_index = strong_id<struct task_index_tag, std::uint32_t>;

/// Position of an item in the `foreach` of its task, from 0. A task without `foreach` has the one item 0.
using item_index = strong_id<struct item_index_tag, std::uint32_t>;

/// Number of a try of one item, from 1; 0 means "not tried yet".
using attempt_number = strong_id<struct attempt_number_tag, std::uint32_t>;

/// Position of a pool in the DAG's `pools`, from 0.
using pool_index = strong_id<struct pool_index_tag, std::uint32_t>;

/// Twelve random lower-case letters and digits, the first a letter; or what whoever began the run chose: of at most 24
/// such characters and `-`.
using run_id = strong_id<struct run_id_tag, std::string>;

/// What a backend calls a job. Opaque to the engine. Eight bytes and one allocation, as every waiting attempt has one;
/// made and destroyed on the loop's thread.
class job_id
{
  public:
    job_id() = default;

    explicit job_id(std::string_view value) : text_(value) {}

    [[nodiscard]] std::string_view value() const noexcept { return text_.view(); }

    friend bool operator==(const job_id& a, const job_id& b) noexcept { return a.value() == b.value(); }

    friend auto operator<=>(const job_id& a, const job_id& b) noexcept { return a.value() <=> b.value(); }

  private:
    detail::compact_text text_;
};

/// Name under which a job is launched: the same for every try to launch the same attempt, different for any other.
/// A DNS-1123 label of at most 52 characters, so that it is valid as a job name, tag or idempotency key everywhere.
using launch_token = strong_id<struct launch_token_tag, std::string>;

} // namespace potoo

template <class Tag, class Rep>
struct std::hash<potoo::strong_id<Tag, Rep>>
{
    std::size_t operator()(const potoo::strong_id<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
