#include "faults.hpp"

#include "bad_request.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace job_service {

namespace json = boost::json;

namespace {

constexpr std::uint64_t longest_delay_ms = 3'600'000;

std::uint64_t next_random(std::uint64_t& state) // splitmix64
{
    auto mixed = state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

std::uint64_t whole_number(std::string_view where, const json::value& found)
{
    boost::system::error_code error;
    const auto number = found.is_number() ? found.to_number<std::uint64_t>(error) : 0;
    if (!found.is_number() || error)
        throw bad_request(fmt::format("{}: expected a whole number from 0, found {}", where, json::serialize(found)));
    return number;
}

double probability_from(std::string_view where, const json::value& found)
{
    const auto number = found.is_number() ? found.to_number<double>() : -1;
    if (!(number >= 0 && number <= 1))
        throw bad_request(fmt::format("{}: expected a number from 0 to 1, found {}", where, json::serialize(found)));
    return number;
}

std::uint32_t route_bit(std::string_view where, const json::value& found)
{
    const auto last = route_names.begin() + disturbed_routes;
    const auto* name = found.if_string();
    const auto match = name ? std::find(route_names.begin(), last, std::string_view(*name)) : last;
    if (match == last)
        throw bad_request(fmt::format("{}: expected one of {}, found {}", where,
                                      fmt::join(route_names.begin(), last, ", "), json::serialize(found)));
    return 1U << (match - route_names.begin());
}

std::uint32_t route_bits(std::string_view where, const json::value& found)
{
    if (!found.is_array())
        return route_bit(where, found);
    std::uint32_t bits = 0;
    for (const auto& name : found.get_array())
        bits |= route_bit(where, name);
    return bits;
}

std::string_view amount_key(fault which)
{
    return which == fault::delay ? "ms" : which == fault::throttle ? "retry_after" : "";
}

json::array names_of_routes(std::uint32_t bits)
{
    json::array names;
    for (std::size_t i = 0; i < disturbed_routes; ++i)
        if (bits & (1U << i))
            names.emplace_back(route_names[i]);
    return names;
}

} // namespace

fault_switches::rule fault_switches::rule_from(fault which, const json::value& description)
{
    const auto name = fault_names[static_cast<std::size_t>(which)];
    rule made;
    if (description.is_number()) {
        if (which == fault::delay)
            made.amount = whole_number(name, description);
        else
            made.probability = probability_from(name, description);
        return made;
    }
    if (!description.is_object())
        throw bad_request(
            fmt::format("{}: expected a number or an object, found {}", name, json::serialize(description)));
    for (const auto& [key, value] : description.get_object()) {
        const auto where = fmt::format("{}.{}", name, std::string_view(key));
        if (key == "probability")
            made.probability = probability_from(where, value);
        else if (key == "count")
            made.remaining = whole_number(where, value);
        else if (key == "routes")
            made.routes = route_bits(where, value);
        else if (!amount_key(which).empty() && key == amount_key(which))
            made.amount = whole_number(where, value);
        else
            throw bad_request(fmt::format("{}: unknown key; known are probability, count, routes{}{}", where,
                                          amount_key(which).empty() ? "" : ", ", amount_key(which)));
    }
    if (which == fault::delay && (!description.get_object().contains("ms") || made.amount > longest_delay_ms))
        throw bad_request(fmt::format("delay_ms.ms: expected milliseconds from 0 to {}", longest_delay_ms));
    return made;
}

void fault_switches::replace(const json::object& document)
{
    fault_switches made;
    if (const auto* seed = document.if_contains("seed"))
        made.seed_ = whole_number("seed", *seed);
    for (const auto& [key, value] : document) {
        if (key == "seed")
            continue;
        const auto known = std::ranges::find(fault_names, std::string_view(key));
        if (known == fault_names.end())
            throw bad_request(fmt::format("{}: unknown fault; known are seed, {}", std::string_view(key),
                                          fmt::join(fault_names, ", ")));
        const auto index = static_cast<std::size_t>(known - fault_names.begin());
        auto& rule = made.rules_[index].emplace(rule_from(static_cast<fault>(index), value));
        // A stream of its own, so that one fault does not change when another happens.
        rule.random_state = made.seed_ * fault_names.size() + index;
        next_random(rule.random_state);
        made.any_ = true;
    }
    *this = made;
}

json::object fault_switches::describe() const
{
    json::object document{{"seed", seed_}};
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!rules_[i])
            continue;
        const auto& rule = *rules_[i];
        json::object described{
            {"probability", rule.probability}, {"routes", names_of_routes(rule.routes)}, {"fired", rule.fired}};
        if (rule.remaining)
            described["count"] = *rule.remaining;
        if (const auto key = amount_key(static_cast<fault>(i)); !key.empty())
            described[key] = rule.amount;
        document[fault_names[i]] = std::move(described);
    }
    return document;
}

bool fault_switches::fires(fault which, route asked)
{
    auto& found = rules_[static_cast<std::size_t>(which)];
    if (!found || !(found->routes & (1U << static_cast<unsigned>(asked))) || found->remaining == 0U)
        return false;
    const auto drawn = static_cast<double>(next_random(found->random_state) >> 11) * 0x1.0p-53;
    if (drawn >= found->probability)
        return false;
    ++found->fired;
    if (found->remaining)
        --*found->remaining;
    return true;
}

std::optional<fault> fault_switches::first_that_fires(fault first, fault last, route asked)
{
    for (auto i = static_cast<unsigned>(first); i <= static_cast<unsigned>(last); ++i)
        if (fires(static_cast<fault>(i), asked))
            return static_cast<fault>(i);
    return std::nullopt;
}

fault_plan fault_switches::plan_for(route asked)
{
    fault_plan plan;
    if (!any_)
        return plan;
    if (fires(fault::delay, asked))
        plan.delay = std::chrono::milliseconds(rules_[static_cast<std::size_t>(fault::delay)]->amount);
    plan.instead_of_work = first_that_fires(fault::drop_request, fault::server_error, asked);
    if (plan.instead_of_work == fault::throttle)
        plan.retry_after = rules_[static_cast<std::size_t>(fault::throttle)]->amount;
    if (plan.instead_of_work)
        return plan;
    plan.after_work = first_that_fires(fault::hang, fault::truncate, asked);
    plan.stale = !plan.after_work && (asked == route::status || asked == route::list || asked == route::query) &&
                 fires(fault::stale_status, asked);
    return plan;
}

} // namespace job_service
