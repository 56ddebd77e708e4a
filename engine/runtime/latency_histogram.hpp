#pragma once
/// @file
/// How long something took, many times: counted by size, so that it costs the same memory for ever.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace potoo::runtime {

class latency_histogram
{
  public:
    using span = std::chrono::steady_clock::duration;

    /// Upper bounds of all buckets but the last, which takes the rest.
    static constexpr std::array<std::chrono::microseconds, 16> bounds{
        {std::chrono::microseconds(100), std::chrono::microseconds(250), std::chrono::microseconds(500),
         std::chrono::milliseconds(1), std::chrono::microseconds(2'500), std::chrono::milliseconds(5),
         std::chrono::milliseconds(10), std::chrono::milliseconds(25), std::chrono::milliseconds(50),
         std::chrono::milliseconds(100), std::chrono::milliseconds(250), std::chrono::milliseconds(500),
         std::chrono::seconds(1), std::chrono::milliseconds(2'500), std::chrono::seconds(5), std::chrono::seconds(10)}};

    void add(span took) noexcept
    {
        std::size_t i = 0;
        while (i < bounds.size() && took > bounds[i])
            ++i;
        ++buckets_[i];
        ++count_;
        sum_ += took;
        if (took > longest_)
            longest_ = took;
    }

    /// In bucket `i` alone; the last one is `bounds.size()`.
    [[nodiscard]] std::uint64_t in_bucket(std::size_t i) const noexcept { return buckets_[i]; }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    [[nodiscard]] span sum() const noexcept { return sum_; }

    [[nodiscard]] span longest() const noexcept { return longest_; }

  private:
    std::array<std::uint64_t, bounds.size() + 1> buckets_{};
    std::uint64_t count_ = 0;
    span sum_{};
    span longest_{};
};

} // namespace potoo::runtime
