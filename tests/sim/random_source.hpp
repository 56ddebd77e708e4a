#pragma once
// The one source of chance. Each part of a simulation has a source of its own, so that a draw that is added in one
// does not shift those of the others.

#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace potoo::sim {

/// The same for the same numbers and text, on every machine.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept
{
    std::uint64_t z = a + 0x9e3779b97f4a7c15ULL * (b + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::string_view text) noexcept
{
    std::uint64_t h = mix(a, text.size());
    for (const char c : text)
        h = mix(h, static_cast<unsigned char>(c));
    return h;
}

/// In [0, 1).
[[nodiscard]] constexpr double fraction_of(std::uint64_t bits) noexcept
{
    return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

class random_source
{
  public:
    random_source(std::uint64_t seed, std::string_view part) noexcept : state_(mix(seed, part)) {}

    [[nodiscard]] std::uint64_t next() noexcept { return mix(state_, drawn_++); }

    /// In [0, 1).
    [[nodiscard]] double fraction() noexcept { return fraction_of(next()); }

    [[nodiscard]] bool chance(double probability) noexcept { return fraction() < probability; }

    /// In 0 … n − 1.
    [[nodiscard]] std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }

    /// Both included.
    [[nodiscard]] int between(int low, int high) noexcept
    {
        return low + static_cast<int>(below(static_cast<std::size_t>(high - low) + 1));
    }

    /// Both included.
    [[nodiscard]] duration between(duration low, duration high) noexcept
    {
        return low + duration(static_cast<duration::rep>(below(static_cast<std::size_t>((high - low).count()) + 1)));
    }

    /// As `between`, but every order of magnitude is as likely as any other.
    [[nodiscard]] duration any_magnitude(duration low, duration high) noexcept;

    template <class Container>
    [[nodiscard]] const auto& pick(const Container& from) noexcept
    {
        return from[below(from.size())];
    }

  private:
    std::uint64_t state_;
    std::uint64_t drawn_ = 0;
};

} // namespace potoo::sim
