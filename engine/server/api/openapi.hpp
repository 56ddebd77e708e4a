#pragma once
/// @file
/// The API's description, made from the table of routes.

#include <potoo/json.hpp>

#include <string_view>

namespace potoo::server {

/// An OpenAPI 3.1 document. @param version of the program
[[nodiscard]] json::object openapi_document(std::string_view version);

} // namespace potoo::server
