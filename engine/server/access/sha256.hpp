#pragma once

#include <string>
#include <string_view>

namespace potoo::server {

/// The digest of `text`, in hexadecimal.
[[nodiscard]] std::string sha256_hex(std::string_view text);

} // namespace potoo::server
