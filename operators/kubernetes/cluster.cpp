#include "cluster.hpp"

#include <potoo/blocking.hpp>
#include <potoo/concurrency.hpp>

#include <tuple>
#include <utility>

namespace potoo::kubernetes {
namespace {

/// The label selectors of a look have so many names at most: they stand in the URL.
constexpr std::size_t names_of_a_look = 100;
constexpr duration between_looks_at_files{1'000};

/// What a connection leads to, as found the last time.
struct lead
{
    cluster* to = nullptr;
    std::string stamp;
    steady_time looked = steady_time::min();
    semaphore one_at_a_time{1};
    bool lasting = false; ///< no file is concerned

    [[nodiscard]] bool fresh(steady_time now) const { return to && (lasting || now < looked + between_looks_at_files); }
};

struct cluster_book
{
    /// Where it was found, and the server, the user and the namespace that were found there.
    using identity = std::tuple<access_origin, std::string, std::string, std::string>;

    std::map<access_origin, lead> leads;
    std::map<identity, std::unique_ptr<cluster>> clusters;
};

task<> follow(context& ctx, cluster_book& book, lead& l, access_origin said)
{
    const auto look = [said = std::move(said), known = l.stamp] { return find_access(said, known); };
    auto found = co_await blocking(look);
    l.looked = ctx.now_steady();
    l.lasting = found.where.from == access_origin::kind::connection;
    if (!found.settings)
        co_return;
    const cluster_settings& s = *found.settings;
    auto& c = book.clusters[{found.where, s.server, s.identity, s.name_space}];
    if (!c)
        c = std::make_unique<cluster>(ctx, found.where, s);
    else
        co_await c->server().adopt(s);
    l.to = c.get();
    l.stamp = std::move(found.stamp);
}

} // namespace

cluster::cluster(context& ctx, const access_origin& origin, cluster_settings s)
    : server_(ctx, origin, std::move(s)),
      polls_{.page = names_of_a_look, .concurrency = origin.poll_concurrency, .per_second = origin.polls_per_second}
{}

job_watcher& cluster::watcher_of(const std::string& name_space)
{
    auto& w = watchers_[name_space];
    if (!w)
        w = std::make_unique<job_watcher>(server_, name_space, polls_);
    return *w;
}

task<std::reference_wrapper<cluster>> cluster_of(context& ctx)
{
    auto& book = ctx.shared<cluster_book>("kubernetes", [] { return std::make_unique<cluster_book>(); });
    access_origin said = read_access(ctx);
    lead& l = book.leads[said];
    if (l.fresh(ctx.now_steady()))
        co_return std::ref(*l.to);
    co_await l.one_at_a_time.acquire();
    const slot_guard mine(l.one_at_a_time);
    if (!l.fresh(ctx.now_steady()))
        co_await follow(ctx, book, l, std::move(said));
    co_return std::ref(*l.to);
}

} // namespace potoo::kubernetes
