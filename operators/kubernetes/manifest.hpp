#pragma once
/// @file
/// The Job that a task asks for, as the API takes it.

#include <potoo/json.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace potoo::kubernetes {

/// What our Jobs and their pods are known by: the launch token is its value.
inline constexpr std::string_view token_label = "potoo.dev/token";

/// Maps are merged member by member, anything else is replaced, and null takes away (RFC 7396).
void merge_into(json::value& target, const json::value& patch);

/// @param with the task's `with`, checked against the schema
/// @param environment the task's `env`
/// @throws fatal that names what is wrong
[[nodiscard]] json::value job_manifest(const json::object& with,
                                       std::span<const std::pair<std::string, std::string>> environment,
                                       std::string_view token, std::string_view name_space);

} // namespace potoo::kubernetes
