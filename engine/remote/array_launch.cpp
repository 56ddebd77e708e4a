#include <potoo/array_launch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace potoo {
namespace {

constexpr int most_tries = 20;
constexpr duration first_delay{500};
constexpr duration longest_delay{10'000};

} // namespace

struct array_launch::gathering
{
    struct member
    {
        explicit member(item_index i) noexcept : item(i) {}

        item_index item;
        job_id id;
        std::exception_ptr error;
        counter launched; ///< 1 when there is an id or an error
    };

    using members_in_order = std::vector<member*>;

    [[nodiscard]] bool alike(context& ctx) const
    {
        const auto mine = ctx.environment();
        return ctx.input() == input && std::equal(mine.begin(), mine.end(), environment.begin(), environment.end());
    }

    [[nodiscard]] members_in_order in_order() const
    {
        members_in_order all;
        std::transform(members.begin(), members.end(), std::back_inserter(all), [](const auto& m) { return m.get(); });
        std::sort(all.begin(), all.end(), [](const member* a, const member* b) { return a->item < b->item; });
        return all;
    }

    json::object input;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::unique_ptr<member>> members;
};

task<job_id> array_launch::launch(context& ctx, submission submit)
{
    const std::string group = ctx.group_token().value();
    std::shared_ptr<gathering>& open = open_[group];
    const bool first = !open;
    if (first) {
        open = std::make_shared<gathering>();
        open->input = ctx.input();
        open->environment.assign(ctx.environment().begin(), ctx.environment().end());
    } else if (!open->alike(ctx)) {
        throw fatal("an array job has one command for all its items, told apart by their index alone, and `with` or "
                    "`env` of this item differ from those of another: take the item out of them, or `array` away",
                    "not_alike");
    }
    const std::shared_ptr<gathering> mine = open;
    gathering::member& m = *mine->members.emplace_back(std::make_unique<gathering::member>(ctx.item()));
    if (mine->members.size() == rules_.most)
        open_.erase(group);

    const context::deferral deferred(ctx);
    if (first)
        co_await lead(ctx, mine, group, std::move(submit));
    else
        co_await m.launched.reached(1);
    if (m.error)
        std::rethrow_exception(m.error);
    co_return std::move(m.id);
}

namespace {

/// Nothing was made of the request, and the same one may be taken later.
bool is_throttled(const failure& f)
{
    constexpr std::array codes{"throttled", "http_429", "http_503"};
    return std::any_of(codes.begin(), codes.end(), [&](const char* code) { return f.code() == code; });
}

/// A service that is too busy is asked again: what waits here is many attempts. @return why not, if it went wrong
task<std::exception_ptr> launch_some(context& ctx, array_launch::submission& submit, std::vector<item_index> items,
                                     std::vector<job_id>& ids)
{
    duration delay = first_delay;
    for (int tries = 1;; ++tries) {
        std::exception_ptr trouble;
        try {
            auto got = co_await submit(ctx, items);
            ids = std::move(got);
        } catch (const failure& f) {
            trouble = std::current_exception();
            if (!is_throttled(f) || tries == most_tries)
                co_return trouble;
            ctx.log(fmt::format("an array job of {} items was not taken: {}; trying again", items.size(), f.what()));
        } catch (...) {
            co_return std::current_exception();
        }
        if (!trouble)
            break;
        co_await sleep_for(delay);
        delay = std::min(delay * 2, longest_delay);
    }
    if (ids.size() != items.size())
        co_return std::make_exception_ptr(
            fatal(fmt::format("an array job of {} items was launched with {} ids", items.size(), ids.size())));
    co_return std::exception_ptr();
}

} // namespace

task<> array_launch::gather(context& ctx, const gathering& g) const
{
    const steady_time latest = ctx.now_steady() + rules_.longest;
    for (std::size_t before = 0; g.members.size() != before && g.members.size() < rules_.most;) {
        before = g.members.size();
        if (ctx.now_steady() >= latest)
            co_return;
        co_await sleep_until(std::min(ctx.now_steady() + rules_.quiet, latest));
    }
}

task<> array_launch::lead(context& ctx, std::shared_ptr<gathering> g, std::string group, submission submit)
{
    co_await gather(ctx, *g);
    // A full one has left its place to the next already.
    if (const auto open = open_.find(group); open != open_.end() && open->second == g)
        open_.erase(open);

    const auto all = g->in_order();
    for (auto at = all.begin(); at != all.end();) {
        auto end = all.end();
        if (rules_.neighbours_only) {
            const auto gap = [](const auto* a, const auto* b) { return b->item.value() != a->item.value() + 1; };
            end = std::adjacent_find(at, end, gap);
            if (end != all.end())
                ++end;
        }
        std::vector<item_index> items;
        std::transform(at, end, std::back_inserter(items), [](const auto* m) { return m->item; });
        std::vector<job_id> ids;
        const auto error = co_await launch_some(ctx, submit, std::move(items), ids);
        for (std::size_t i = 0; at != end; ++at, ++i) {
            (*at)->error = error;
            if (!error)
                (*at)->id = std::move(ids[i]);
            (*at)->launched.advance_to(1);
        }
    }
}

} // namespace potoo
