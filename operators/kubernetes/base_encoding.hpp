#pragma once
/// @file
/// Base64 (RFC 4648) as kubeconfig files and HTTP's basic authentication use it.

#include <optional>
#include <string>
#include <string_view>

namespace potoo::kubernetes {

[[nodiscard]] std::string base64_encoded(std::string_view bytes);

/// White space between the characters is of no account. @return nothing when `text` is not base64
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

} // namespace potoo::kubernetes
