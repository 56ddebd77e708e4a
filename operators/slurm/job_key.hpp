#pragma once
/// @file
/// How Slurm names jobs and the elements of array jobs.

#include <potoo/ids.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::slurm {

/// The element of a job that is not part of an array.
inline constexpr std::uint32_t no_element = UINT32_MAX;

/// A job, or one element of an array job, which is then named by the array's id.
struct job_key
{
    std::uint64_t job = 0;
    std::uint32_t element = no_element;

    friend auto operator<=>(const job_key&, const job_key&) = default;
};

/// Reads `17` or `17_4`.
[[nodiscard]] std::optional<job_key> parse_job_key(std::string_view text);

[[nodiscard]] std::string to_text(job_key key);

/// `3,7,9-12`, of items in ascending order.
[[nodiscard]] std::string array_text(const std::vector<item_index>& items);

enum class membership : std::uint8_t
{
    no,
    yes,
    unsure, ///< the text has been cut short
};

/// Whether `3,7,9-12%4`, as Slurm lists the elements of an array that have not begun, holds that element. Slurm cuts
/// long texts, and ends them with `...`.
[[nodiscard]] membership holds(std::string_view elements, std::uint32_t element);

} // namespace potoo::slurm
