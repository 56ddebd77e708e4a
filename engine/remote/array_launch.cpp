#include <potoo/array_launch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace potoo {

struct array_launch::gathering
{
    struct member
    {
        item_index item;
        job_id id;
        std::exception_ptr error;
    };

    json::object input;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<member> members;
    counter launched; ///< 1 when every member has an id or an error
};

namespace {

bool alike(context& ctx, const json::object& input, const std::vector<std::pair<std::string, std::string>>& environment)
{
    const auto mine = ctx.environment();
    return ctx.input() == input && std::equal(mine.begin(), mine.end(), environment.begin(), environment.end());
}

} // namespace

task<job_id> array_launch::launch(context& ctx, submission submit)
{
    const std::string group = ctx.group_token().value();
    std::shared_ptr<gathering>& open = open_[group];
    const bool first = !open;
    if (first) {
        open = std::make_shared<gathering>();
        open->input = ctx.input();
        open->environment.assign(ctx.environment().begin(), ctx.environment().end());
    } else if (!alike(ctx, open->input, open->environment)) {
        throw fatal("an array job has one command for all its items, told apart by their index alone, and `with` or "
                    "`env` of this item differ from those of another: take the item out of them, or `array` away",
                    "not_alike");
    }
    const std::shared_ptr<gathering> mine = open;
    const std::size_t place = mine->members.size();
    mine->members.push_back({ctx.item(), {}, {}});
    if (mine->members.size() == rules_.most)
        open_.erase(group);

    const context::deferral deferred(ctx);
    if (first)
        co_await lead(ctx, mine, group, std::move(submit));
    else
        co_await mine->launched.reached(1);
    gathering::member& m = mine->members[place];
    if (m.error)
        std::rethrow_exception(m.error);
    co_return std::move(m.id);
}

namespace {

/// @return why not, if it went wrong
task<std::exception_ptr> launch_some(context& ctx, array_launch::submission& submit, std::vector<item_index> items,
                                     std::vector<job_id>& ids)
{
    const std::size_t count = items.size();
    try {
        auto got = co_await submit(ctx, std::move(items));
        ids = std::move(got);
    } catch (...) {
        co_return std::current_exception();
    }
    if (ids.size() != count)
        co_return std::make_exception_ptr(
            fatal(fmt::format("an array job of {} items was launched with {} ids", count, ids.size())));
    co_return std::exception_ptr();
}

} // namespace

task<> array_launch::lead(context& ctx, std::shared_ptr<gathering> g, std::string group, submission submit)
{
    const steady_time latest = ctx.now_steady() + rules_.longest;
    for (std::size_t before = 0; g->members.size() != before && g->members.size() < rules_.most;) {
        before = g->members.size();
        if (ctx.now_steady() >= latest)
            break;
        co_await sleep_until(std::min(ctx.now_steady() + rules_.quiet, latest));
    }
    // A full one has left its place to the next already.
    if (const auto open = open_.find(group); open != open_.end() && open->second == g)
        open_.erase(open);

    std::vector<gathering::member*> in_order;
    for (auto& m : g->members)
        in_order.push_back(&m);
    std::sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) { return a->item < b->item; });
    for (auto at = in_order.begin(); at != in_order.end();) {
        auto end = in_order.end();
        if (rules_.neighbours_only)
            end = std::adjacent_find(
                at, end, [](const auto* a, const auto* b) { return b->item.value() != a->item.value() + 1; });
        if (end != in_order.end())
            ++end;
        std::vector<item_index> items;
        std::transform(at, end, std::back_inserter(items), [](const auto* m) { return m->item; });
        std::vector<job_id> ids;
        const auto error = co_await launch_some(ctx, submit, std::move(items), ids);
        for (std::size_t i = 0; at != end; ++at, ++i) {
            (*at)->error = error;
            if (!error)
                (*at)->id = std::move(ids[i]);
        }
    }
    g->launched.advance_to(1);
}

} // namespace potoo
