#pragma once
/// @file
/// What a task says of its container, checked, and the engine's description that it makes.

#include <potoo/context.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace potoo::docker {

/// When the image is fetched from its registry.
enum class pull_policy : std::uint8_t
{
    missing, ///< when the engine does not have it
    always,
    never,
};

struct container_options
{
    std::string image;
    pull_policy pull = pull_policy::missing;
    bool remove = true;               ///< once its end is known and its log is kept
    duration stop_grace{10'000};      ///< between the polite signal and the other
    duration request_timeout{60'000}; ///< for one exchange with the engine
    json::object body;                ///< of the request that creates it, without what belongs to the attempt

    /// The request's body. The task's environment comes before the container's own, which so prevails.
    [[nodiscard]] json::object body_for(const context& ctx,
                                        std::span<const std::pair<std::string, std::string>> environment) const;
};

/// @param with the operator's, checked against its schema
/// @throws fatal naming the property that cannot be used
[[nodiscard]] container_options read_options(const json::object& with);

/// A number of bytes, or text as `docker run --memory` takes it: `512m`, `2GiB`; every unit is a power of 1024.
/// @return nothing when it is no size, or none that fits
[[nodiscard]] std::optional<std::int64_t> read_memory(const json::value& v);

/// An image as the engine is told to pull it.
struct image_name
{
    std::string repository;
    std::string tag; ///< or digest; `latest` where none is given
};

[[nodiscard]] image_name split_image(std::string_view image);

/// The labels by which a container is known for this project's.
inline constexpr std::string_view token_label = "potoo.token";

} // namespace potoo::docker
