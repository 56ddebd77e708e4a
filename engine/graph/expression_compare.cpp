#include "engine/graph/expression_compare.hpp"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace potoo::graph {

namespace {

using pending_pairs = std::vector<std::pair<const json::value*, const json::value*>>;

template <class Integer>
std::partial_ordering compare(Integer a, Integer b)
{
    return a <=> b;
}

std::partial_ordering compare(std::int64_t a, std::uint64_t b)
{
    return a < 0 ? std::partial_ordering::less : compare(static_cast<std::uint64_t>(a), b);
}

/// Converting the integer would round it, so the floating-point number is split instead.
template <class Integer>
std::partial_ordering compare(Integer a, double b)
{
    constexpr double above = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
    constexpr double lowest = std::is_signed_v<Integer> ? -0x1p63 : 0.0;
    if (std::isnan(b)) {
        return std::partial_ordering::unordered;
    }
    if (b >= above) {
        return std::partial_ordering::less;
    }
    if (b < lowest) {
        return std::partial_ordering::greater;
    }
    const double whole = std::trunc(b);
    const auto order = compare(a, static_cast<Integer>(whole));
    return order != 0 ? order : 0.0 <=> b - whole;
}

std::partial_ordering reversed(std::partial_ordering order)
{
    return 0 <=> order;
}

bool equal_or_pending(const json::array& a, const json::array& b, pending_pairs& pending)
{
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        pending.emplace_back(&a[i], &b[i]);
    }
    return true;
}

bool equal_or_pending(const json::object& a, const json::object& b, pending_pairs& pending)
{
    if (a.size() != b.size()) {
        return false;
    }
    for (const auto& member : a) {
        const auto* other = b.if_contains(member.key());
        if (other == nullptr) {
            return false;
        }
        pending.emplace_back(&member.value(), other);
    }
    return true;
}

bool equal_or_pending(const json::value& a, const json::value& b, pending_pairs& pending)
{
    if (a.is_number() && b.is_number()) {
        return compare_numbers(a, b) == 0;
    }
    if (a.kind() != b.kind()) {
        return false;
    }
    switch (a.kind()) {
    case json::kind::string:
        return a.get_string() == b.get_string();
    case json::kind::bool_:
        return a.get_bool() == b.get_bool();
    case json::kind::array:
        return equal_or_pending(a.get_array(), b.get_array(), pending);
    case json::kind::object:
        return equal_or_pending(a.get_object(), b.get_object(), pending);
    default:
        return true;
    }
}

} // namespace

std::partial_ordering compare_numbers(const json::value& a, const json::value& b) noexcept
{
    if (a.is_double()) {
        return b.is_double() ? a.get_double() <=> b.get_double() : reversed(compare_numbers(b, a));
    }
    if (a.is_int64()) {
        if (b.is_int64()) {
            return compare(a.get_int64(), b.get_int64());
        }
        return b.is_uint64() ? compare(a.get_int64(), b.get_uint64()) : compare(a.get_int64(), b.get_double());
    }
    if (b.is_uint64()) {
        return compare(a.get_uint64(), b.get_uint64());
    }
    return b.is_int64() ? reversed(compare(b.get_int64(), a.get_uint64())) : compare(a.get_uint64(), b.get_double());
}

bool deep_equal(const json::value& a, const json::value& b)
{
    pending_pairs pending;
    if (!equal_or_pending(a, b, pending)) {
        return false;
    }
    while (!pending.empty()) {
        const auto [left, right] = pending.back();
        pending.pop_back();
        if (!equal_or_pending(*left, *right, pending)) {
            return false;
        }
    }
    return true;
}

} // namespace potoo::graph
