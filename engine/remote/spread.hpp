#pragma once
/// @file
/// What keeps jobs that began together from being asked about together for ever.

#include <cstdint>
#include <string_view>

namespace potoo::remote {

/// splitmix64 (Steele, Lea, Flood 2014): the same spread in every run of a watcher of that name.
class spread
{
  public:
    static constexpr double latest = 0.97;
    static constexpr double width = 0.05;

    explicit spread(std::string_view seed) noexcept
    {
        for (const char c : seed)
            state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }

    /// A factor on an interval, in (latest - width, latest]: a look is a little early, so that it is not late when it
    /// has to wait for others.
    double next() noexcept
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        return latest - width * (static_cast<double>(z >> 11) * 0x1p-53);
    }

  private:
    std::uint64_t state_ = 0xcbf29ce484222325u;
};

} // namespace potoo::remote
