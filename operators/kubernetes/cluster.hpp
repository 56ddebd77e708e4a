#pragma once
/// @file
/// A cluster as the attempts of the engine share it.

#include "api_server.hpp"
#include "job_watcher.hpp"

#include <potoo/context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace potoo::kubernetes {

class cluster
{
  public:
    cluster(context& ctx, const access_origin& origin, cluster_settings s);

    [[nodiscard]] api_server& server() noexcept { return server_; }

    /// That of the Jobs in a namespace.
    [[nodiscard]] job_watcher& watcher_of(const std::string& name_space);

  private:
    api_server server_;
    watcher::limits polls_;
    std::map<std::string, std::unique_ptr<job_watcher>> watchers_;
};

/// The one that the task's connection or the environment name. It lives as long as the engine, and is the same for the
/// same user of the same server, whatever becomes of the credentials: those that a kubeconfig says anew are its own.
/// Files are looked at once a second at most. @throws fatal when there is none, or what says how to reach it cannot be
/// read
[[nodiscard]] task<std::reference_wrapper<cluster>> cluster_of(context& ctx);

} // namespace potoo::kubernetes
