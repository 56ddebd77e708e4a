#include "engine/runtime/attempt_replay.hpp"

#include "engine/runtime/attempt_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::runtime {

using journal::record;
using journal::record_kind;

namespace {

constexpr std::string_view withdrawn = "launch_withdrawn";

bool is_call(const record& r)
{
    return r.kind == record_kind::callback_opened || (r.kind == record_kind::step_recorded && r.step != no_step);
}

bool is_launch(const record& r)
{
    return r.kind == record_kind::launch_intent || r.kind == record_kind::launch_recorded;
}

/// What becomes of a launch is one thing with the launch.
bool counts_by_itself(const record& r)
{
    return !is_launch(r) && r.name != withdrawn;
}

std::string_view fact_name(const record& r)
{
    return is_launch(r) ? to_string(r.kind) : std::string_view(r.name);
}

} // namespace

call_kind call_kind_of(const record& r) noexcept
{
    return r.kind == record_kind::callback_opened ? call_kind::callback : static_cast<call_kind>(r.number);
}

std::string decision_text(const decision& d)
{
    json::object o;
    if (d.first)
        o["first"] = *d.first;
    o["of"] = d.of;
    if (d.after > 0)
        o["after"] = d.after;
    if (d.quiet)
        o["quiet"] = true;
    return json::serialize(o);
}

std::optional<decision> decision_of(const record& r)
{
    if (r.kind != record_kind::step_recorded || r.step == no_step || call_kind_of(r) != call_kind::decision)
        return std::nullopt;
    const json::value v = parse_recorded(r.data);
    const json::object& o = v.as_object();
    const auto number = [&](std::string_view member) { return o.at(member).to_number<std::uint32_t>(); };
    decision d;
    if (o.contains("first"))
        d.first = number("first");
    d.of = number("of");
    d.after = o.contains("after") ? number("after") : 0;
    d.quiet = o.contains("quiet");
    return d;
}

std::string describe_call(call_kind kind, std::string_view name)
{
    switch (kind) {
    case call_kind::step:
        return fmt::format("the step `{}`", name);
    case call_kind::now:
        return "the question for the time";
    case call_kind::sleep_until:
        return fmt::format("the sleep `{}`", name);
    case call_kind::callback:
        return fmt::format("the callback `{}`", name);
    case call_kind::decision:
        return "the end of tasks side by side";
    }
    return fmt::format("`{}`, of a kind that this engine does not know", name);
}

bool is_at_or_below(std::string_view path, std::string_view branch) noexcept
{
    if (branch.empty())
        return true;
    return path.starts_with(branch) && (path.size() == branch.size() || path[branch.size()] == '.');
}

attempt_replay::attempt_replay(std::vector<record> records)
{
    for (record& r : records) {
        if (is_call(r)) {
            const auto [found, added] = calls_[r.branch].try_emplace(r.step);
            if (!added)
                continue;
            const auto decided = decision_of(r);
            found->second.quiet = decided && decided->quiet;
            found->second.value = std::move(r);
            left_ += found->second.quiet ? 0 : 1;
        } else if (is_launch(r) || r.kind == record_kind::step_recorded) {
            const auto [found, added] = facts_.try_emplace(std::string(fact_name(r)));
            left_ += added && counts_by_itself(r) ? 1 : 0;
            found->second.value = std::move(r);
        }
    }
}

void attempt_replay::take(entry& e) noexcept
{
    if (e.taken)
        return;
    e.taken = true;
    left_ -= e.quiet ? 0 : 1;
}

const record* attempt_replay::take_call(std::string_view branch, std::uint32_t step)
{
    const auto line = calls_.find(branch);
    if (line == calls_.end())
        return nullptr;
    const auto found = line->second.find(step);
    if (found == line->second.end())
        return nullptr;
    take(found->second);
    return &found->second.value;
}

const record* attempt_replay::find_call(std::string_view branch, std::uint32_t step) const
{
    const auto line = calls_.find(branch);
    if (line == calls_.end())
        return nullptr;
    const auto found = line->second.find(step);
    return found == line->second.end() ? nullptr : &found->second.value;
}

void attempt_replay::take_branch(std::string_view branch)
{
    for (auto line = calls_.lower_bound(branch); line != calls_.end() && line->first.starts_with(branch); ++line) {
        if (!is_at_or_below(line->first, branch))
            continue;
        for (auto& [number, e] : line->second)
            take(e);
    }
}

const record* attempt_replay::left_at_or_below(std::string_view branch) const
{
    for (auto line = calls_.lower_bound(branch); line != calls_.end() && line->first.starts_with(branch); ++line) {
        if (!is_at_or_below(line->first, branch))
            continue;
        if (const record* left = next_call(line->first))
            return left;
    }
    return nullptr;
}

const record* attempt_replay::take_fact(std::string_view name)
{
    const auto found = facts_.find(name);
    if (found == facts_.end())
        return nullptr;
    if (counts_by_itself(found->second.value))
        take(found->second);
    return &found->second.value;
}

void attempt_replay::remember(const record& fact)
{
    const auto [found, added] = facts_.try_emplace(std::string(fact_name(fact)));
    entry& e = found->second;
    if (!added && counts_by_itself(e.value))
        take(e);
    e.value = fact;
    e.taken = true;
}

bool attempt_replay::has_unclaimed_launch() const
{
    if (launch_claimed_)
        return false;
    if (!facts_.contains(to_string(record_kind::launch_intent)) &&
        !facts_.contains(to_string(record_kind::launch_recorded)))
        return false;
    const auto w = facts_.find(withdrawn);
    return w == facts_.end() || w->second.value.data != "true";
}

const record* attempt_replay::next_call(std::string_view branch) const
{
    const auto line = calls_.find(branch);
    if (line == calls_.end())
        return nullptr;
    const auto found = std::find_if(line->second.begin(), line->second.end(),
                                    [](const auto& c) { return !c.second.taken && !c.second.quiet; });
    return found == line->second.end() ? nullptr : &found->second.value;
}

} // namespace potoo::runtime
