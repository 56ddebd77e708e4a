#pragma once
/// @file
/// HTTP requests and responses as JSON: how operators and sensors take and give them.

#include <potoo/http.hpp>
#include <potoo/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace potoo {

/// Levels of the deepest JSON that is read from a body.
inline constexpr std::size_t deepest_json_body = 100;

/// The JSON Schema of the members that describe one request, to be put into `properties`: text without a comma at its
/// ends. `url` is required.
#define POTOO_HTTP_REQUEST_PROPERTIES                                                                                                                \
    R"("method": {"type": "string", "description": "GET, POST, … Default GET."},)"                                                                   \
    R"("url": {"type": "string", "minLength": 1, "description": "http://, https:// or unix:/path/to.sock:/target"},)"                                \
    R"("headers": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Request headers by name"},)" \
    R"("body": {"description": "A string is sent as it is; anything else as JSON, with its content type."})"

/// Reads `method`, `url`, `headers` and `body` of `with`, rendered; other members are left to the caller.
/// @param place what the message calls `with`, as in `submit`
/// @throws fatal naming the place when a member is missing or of the wrong type
[[nodiscard]] http_request read_http_request(const json::object& with, std::string_view place);

/// `{status, headers, body}`: header names in lower case, repeated headers joined by `, `. `body` is JSON when the
/// content type says so; else text, if it is valid UTF-8; else it is missing and `body_base64` is there. An empty body
/// is null.
/// @return nothing when the content type promises JSON and the body is none (or nested more than 100 deep)
[[nodiscard]] std::optional<json::value> http_response_as_json(const http_response& r);

/// The same for services that speak JSON whatever their content type says: text that parses as JSON is JSON.
[[nodiscard]] std::optional<json::value> http_response_of_json_service(const http_response& r);

} // namespace potoo
