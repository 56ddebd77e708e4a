#pragma once
/// @file
/// The answers in which temporary credentials come.

#include <potoo/aws.hpp>
#include <potoo/json.hpp>

#include <string>
#include <string_view>

namespace potoo::aws {

/// Names of the members of a JSON answer.
struct member_names
{
    std::string_view id;
    std::string_view secret;
    std::string_view token;
    std::string_view expires; ///< RFC 3339, or milliseconds since 1970
};

/// @param place what messages call the answer's origin
/// @throws failure `malformed_credentials`, which does not quote the answer
[[nodiscard]] credentials credentials_of_json(std::string_view body, const member_names& names,
                                              const std::string& place);

[[nodiscard]] credentials credentials_of(const json::object& o, const member_names& names, const std::string& place);

/// What STS answers.
[[nodiscard]] credentials credentials_of_xml(std::string_view body, const std::string& place);

/// Sends a request for credentials. @throws failure when there is no answer, or one that may pass; fatal `unauthorized`
/// or `forbidden` for 4xx, with the service's own words
[[nodiscard]] task<http_response> ask_for_credentials(outside o, http_request r, std::string place);

} // namespace potoo::aws
