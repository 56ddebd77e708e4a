#pragma once
/// @file
/// Which cluster is spoken to, and as whom.

#include <potoo/http.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace potoo::kubernetes {

/// A program that prints an `ExecCredential`.
struct exec_plugin
{
    std::string api_version;
    std::string command;
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;
    std::string cluster_info; ///< JSON of `spec.cluster` for `KUBERNETES_EXEC_INFO`; empty = not asked for
    std::string hint;         ///< how to install it

    friend bool operator==(const exec_plugin&, const exec_plugin&) = default;
};

struct cluster_settings
{
    std::string server; ///< URL without a slash at its end
    http_options tls;
    std::string name_space; ///< that the user works in; empty = `default`
    std::string identity;   ///< as whom and where that is said: `user admin of /home/me/.kube/config`

    // At most one of these says who it is, beside a certificate in `tls`.
    std::string token;
    std::string token_file;
    std::string user_name;
    std::string password;
    std::optional<exec_plugin> exec;
};

} // namespace potoo::kubernetes
