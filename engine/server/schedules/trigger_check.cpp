#include "engine/server/schedules/trigger_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>

namespace potoo::server {

namespace {

using followed_by = std::map<std::string_view, const std::vector<std::string>*>;

/// The shortest way from a DAG back to itself, through those that it follows. Empty for none.
std::vector<std::string_view> way_back(std::string_view start, const followed_by& after)
{
    std::map<std::string_view, std::string_view> reached_from;
    std::deque<std::string_view> open{start};
    while (!open.empty()) {
        const auto here = open.front();
        open.pop_front();
        const auto found = after.find(here);
        if (found == after.end())
            continue;
        for (const std::string_view before : *found->second) {
            if (!reached_from.emplace(before, here).second)
                continue;
            if (before != start) {
                open.push_back(before);
                continue;
            }
            std::vector<std::string_view> way{start};
            for (auto at = reached_from.at(start); at != start; at = reached_from.at(at))
                way.push_back(at);
            way.push_back(start);
            return way;
        }
    }
    return {};
}

} // namespace

std::map<std::string, trigger_problem, std::less<>> check_triggers(const std::vector<startable_dag>& dags)
{
    followed_by after;
    std::map<std::string_view, bool> known;
    for (const auto& d : dags) {
        known.emplace(d.name, true);
        if (d.dag->schedule && !d.dag->schedule->after.empty())
            after.emplace(d.name, &d.dag->schedule->after);
    }
    std::map<std::string, trigger_problem, std::less<>> problems;
    for (const auto& [name, followed] : after) {
        const auto way = way_back(name, after);
        if (!way.empty()) {
            problems[std::string(name)] = {
                fmt::format("no run is triggered: these DAGs would follow each other for ever: {}",
                            fmt::join(way, " → ")),
                true};
            continue;
        }
        const auto missing =
            std::find_if(followed->begin(), followed->end(), [&](const auto& f) { return !known.contains(f); });
        if (missing != followed->end())
            problems[std::string(name)] = {fmt::format("`trigger.after`: there is no DAG `{}`", *missing), false};
    }
    return problems;
}

} // namespace potoo::server
