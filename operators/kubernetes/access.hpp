#pragma once
/// @file
/// Where a task's cluster and credentials come from.

#include "cluster_settings.hpp"

#include <potoo/context.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <compare>
#include <string>

namespace potoo::kubernetes {

/// What the task's connection and the environment say: enough to find the same credentials again, or newer ones.
struct access_origin
{
    enum class kind
    {
        connection, ///< all is in the connection
        kubeconfig,
        pod, ///< the service account of the pod that the engine runs in
    };

    kind from = kind::connection;
    std::string server;
    std::string token;
    std::string token_file;
    http_options tls;
    std::string kubeconfig; ///< path
    std::string context;
    std::string name_space; ///< of the connection, goes before others
    std::string stamp;      ///< changes when the kubeconfig does
    std::size_t concurrency = 0;
    double per_second = 0;
    std::size_t poll_concurrency = 0;
    double polls_per_second = 0;

    friend auto operator<=>(const access_origin&, const access_origin&) = default;
};

/// @throws fatal when no cluster is known, or what is said of it is contradictory
[[nodiscard]] access_origin find_access(context& ctx);

/// Reads the files that are spoken of. @throws fatal when that fails
[[nodiscard]] cluster_settings resolve(const access_origin& origin);

} // namespace potoo::kubernetes
