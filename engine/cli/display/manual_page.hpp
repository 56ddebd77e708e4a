#pragma once
/// @file
/// An operator's manual page, made from its JSON Schema.

#include <potoo/operator.hpp>

#include <cstddef>
#include <string>

namespace potoo::cli {

/// @param width that descriptions are wrapped at, at least 40
[[nodiscard]] std::string manual_page(const operator_entry& op, std::size_t width);

} // namespace potoo::cli
