#pragma once
/// @file
/// Looks into the API's JSON objects, where any member may be missing.

#include <potoo/json.hpp>

#include <optional>
#include <string_view>

namespace potoo::kubernetes {

/// Text that is JSON, as deep as the API's objects get. @param memory of the value
[[nodiscard]] std::optional<json::value> parsed(std::string_view text, json::storage_ptr memory = {});

/// @param pointer as in `/metadata/name` @return null when there is none
[[nodiscard]] const json::value* find_at(const json::value& v, std::string_view pointer);

/// Empty when there is none, or it is no text. Lives as long as `v`.
[[nodiscard]] std::string_view text_at(const json::value& v, std::string_view pointer);

/// Empty when there is none, or it is no array. Lives as long as `v`.
[[nodiscard]] const json::array& array_at(const json::value& v, std::string_view pointer);

} // namespace potoo::kubernetes
