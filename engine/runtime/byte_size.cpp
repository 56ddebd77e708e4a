#include "engine/runtime/byte_size.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace potoo::runtime {
namespace {

struct unit
{
    std::string_view name;
    double bytes;
};

constexpr double k = 1000;
constexpr double ki = 1024;
constexpr std::array<unit, 5> decimal_units{{{"B", 1}, {"kB", k}, {"MB", k* k}, {"GB", k* k* k}, {"TB", k* k* k* k}}};
constexpr std::array<unit, 4> binary_units{
    {{"TiB", ki* ki* ki* ki}, {"GiB", ki* ki* ki}, {"MiB", ki* ki}, {"KiB", ki}}};
constexpr double largest = 1e18;

std::optional<double> bytes_of(std::string_view name)
{
    for (const std::span<const unit> system :
         {std::span<const unit>(decimal_units), std::span<const unit>(binary_units)})
        for (const unit& u : system)
            if (boost::iequals(u.name, name))
                return u.bytes;
    return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text)
{
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (problem != std::errc() || !std::isfinite(number) || number < 0)
        return std::nullopt;
    std::string_view name(rest, static_cast<std::size_t>(end - rest));
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    const std::optional<double> one = bytes_of(name);
    if (!one || number * *one > largest)
        return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(number * *one));
}

std::string format_byte_size(std::uint64_t bytes)
{
    const auto value = static_cast<double>(bytes);
    const auto* const u = std::find_if(binary_units.begin(), binary_units.end() - 1,
                                       [value](const unit& candidate) { return value >= candidate.bytes; });
    return fmt::format("{:.1f} {}", value / u->bytes, u->name);
}

} // namespace potoo::runtime
