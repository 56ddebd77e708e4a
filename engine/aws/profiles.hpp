#pragma once
/// @file
/// The shared files of AWS's tools: what `~/.aws/credentials` and `~/.aws/config` say of profiles.

#include <potoo/aws.hpp>
#include <potoo/task.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace potoo::aws {

/// Names in lower case; a setting indented below another is `outer.inner`.
using section = std::map<std::string, std::string, std::less<>>;

/// Sections by the text between the brackets, blanks joined.
[[nodiscard]] std::map<std::string, section, std::less<>> read_sections(std::string_view text);

struct profiles
{
    struct profile
    {
        section credentials; ///< from the credentials file
        section config;

        /// The config file's, else the credentials file's.
        [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
    };

    std::map<std::string, profile, std::less<>> by_name;
    std::map<std::string, section, std::less<>> sso_sessions;
    std::map<std::string, section, std::less<>> services;
    std::string credentials_file;
    std::string config_file;
    std::string chosen;    ///< the profile's name
    bool named = false;    ///< somebody named it; else it is `default`
    std::string directory; ///< `~/.aws`

    [[nodiscard]] const profile* find(std::string_view name) const;

    /// `in /home/x/.aws/credentials and /home/x/.aws/config`
    [[nodiscard]] std::string where() const;
};

/// Reads both files; one that is not there is empty.
/// @throws failure when one cannot be read
[[nodiscard]] task<profiles> read_profiles(std::string named_profile, variables v);

/// A whole small file. @return nothing when it is not there
/// @throws failure `unreadable_file`
[[nodiscard]] task<std::optional<std::string>> read_file(std::string path);

} // namespace potoo::aws
