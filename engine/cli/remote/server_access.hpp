#pragma once
/// @file
/// Where a server is, and who asks it.

#include <string>
#include <string_view>

namespace potoo::cli {

struct server_access
{
    std::string url;     ///< as `checked_server_url` made it
    std::string token;   ///< empty = none
    std::string ca_file; ///< PEM; empty = the system's authorities
    std::string options; ///< what is to be added to a command so that it asks the same server: ` --server URL`
};

/// The URL of a server as the user wrote it, without a slash at its end: `http://`, `https://`, or `unix:SOCKET:`.
/// @throws usage_error that says what to write
[[nodiscard]] std::string checked_server_url(std::string_view text);

/// A token as it stands in a file or a variable, without the space around it.
/// @param where it came from, for people
/// @throws usage_error when it is none
[[nodiscard]] std::string checked_token(std::string_view text, std::string_view where);

} // namespace potoo::cli
