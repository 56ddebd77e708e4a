#pragma once
/// @file
/// What ListJobs tells: which jobs have a name, and the exit code of those that ended.

#include "batch_service.hpp"

#include <potoo/aws.hpp>
#include <potoo/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::aws_batch {

struct listed_job
{
    std::string id;
    std::string name;
    std::int64_t created = 0; ///< milliseconds since 1970
    std::optional<int> exit_code;
};

struct listing
{
    std::string queue{};
    std::string name{};     ///< may end with `*`
    std::string array_id{}; ///< instead: the children of this array that failed
    duration request_timeout{30'000};
};

/// Every job that fits, in any state, children of arrays among those of a name too.
/// @throws failure, fatal
[[nodiscard]] task<std::vector<listed_job>> list_jobs(aws::outside o, batch_service& s, listing asked);

/// `<group>-<first>-<size>`: how jobs of arrays are called.
[[nodiscard]] std::string array_name(std::string_view group, std::size_t first, std::size_t size);

/// Reads such a name. @return nothing when it is another
[[nodiscard]] std::optional<launched_array> array_of_name(std::string_view name, std::string_view group);

} // namespace potoo::aws_batch
