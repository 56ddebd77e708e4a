#include "cluster.hpp"

namespace potoo::kubernetes {
namespace {

/// The label selectors of a look have so many names at most: they stand in the URL.
constexpr std::size_t names_of_a_look = 100;

using cluster_book = std::map<access_origin, std::unique_ptr<cluster>>;

} // namespace

cluster::cluster(context& ctx, const access_origin& origin)
    : server_(ctx, origin),
      polls_{.page = names_of_a_look, .concurrency = origin.poll_concurrency, .per_second = origin.polls_per_second}
{}

job_watcher& cluster::watcher_of(const std::string& name_space)
{
    auto& w = watchers_[name_space];
    if (!w)
        w = std::make_unique<job_watcher>(server_, name_space, polls_);
    return *w;
}

cluster& cluster_of(context& ctx)
{
    auto& book = ctx.shared<cluster_book>("kubernetes", [] { return std::make_unique<cluster_book>(); });
    const access_origin origin = find_access(ctx);
    const auto found = book.find(origin);
    if (found != book.end())
        return *found->second;
    return *book.emplace(origin, std::make_unique<cluster>(ctx, origin)).first->second;
}

} // namespace potoo::kubernetes
