#pragma once
/// @file
/// Where a task's cluster and credentials come from.

#include "cluster_settings.hpp"

#include <potoo/context.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <compare>
#include <optional>
#include <string>

namespace potoo::kubernetes {

/// Where it is said which cluster is spoken to: enough to find the same credentials again, or newer ones.
struct access_origin
{
    enum class kind
    {
        unsaid,     ///< the connection leaves it to the environment
        connection, ///< all is in the connection
        kubeconfig,
        pod, ///< the service account of the pod that the engine runs in
    };

    kind from = kind::unsaid;
    std::string server;
    std::string token;
    std::string token_file;
    http_options tls;
    std::string kubeconfig; ///< path
    std::string context;
    std::string name_space; ///< of the connection, goes before others
    std::size_t concurrency = 0;
    double per_second = 0;
    std::size_t poll_concurrency = 0;
    double polls_per_second = 0;

    friend auto operator<=>(const access_origin&, const access_origin&) = default;
};

/// What the task's connection says. @throws fatal when that is contradictory
[[nodiscard]] access_origin read_access(context& ctx);

/// What is found where that leads.
struct found_access
{
    access_origin where; ///< never unsaid
    std::string stamp;   ///< changes when what was read does
    std::optional<cluster_settings> settings;
};

/// Follows what the connection says. Looks at files, and reads them only when the stamp is another: for a thread that
/// may block. @param known the stamp of the last time; empty = none
/// @throws fatal when no cluster is known, or a file cannot be read
[[nodiscard]] found_access find_access(access_origin said, const std::string& known);

/// Reads the files that are spoken of. Blocks likewise. @throws fatal when that fails
[[nodiscard]] cluster_settings resolve(const access_origin& origin);

} // namespace potoo::kubernetes
