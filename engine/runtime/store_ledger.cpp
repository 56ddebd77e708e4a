#include "engine/runtime/store_ledger.hpp"

#include "engine/runtime/attempt_result.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::runtime {

json::value parse_entry(const std::string& kind, const std::string& key, const std::string& text)
{
    try {
        return parse_recorded(text);
    } catch (const boost::system::system_error&) {
        throw journal::store_error(journal::store_error_kind::corrupt,
                                   fmt::format("the journal is damaged: its entry '{}' of kind '{}' is no JSON; "
                                               "restore the state directory from a copy",
                                               key, kind));
    }
}

task<bool> store_ledger::carry_out(journal::entry_change change)
{
    if (broken_)
        throw journal::store_error(*broken_);
    const auto outcome = std::make_shared<answer>();
    waiting_.insert(outcome);
    log_.append(std::move(change), [this, outcome](bool took_effect) {
        if (waiting_.erase(outcome) == 0)
            return;
        outcome->took_effect = took_effect;
        outcome->told.increment();
    });
    co_await outcome->told.reached(1);
    if (!outcome->took_effect)
        throw journal::store_error(*broken_);
    co_return *outcome->took_effect;
}

task<bool> store_ledger::insert(std::string kind, std::string key, json::value value)
{
    return carry_out({journal::entry_verb::insert, std::move(kind), std::move(key), json::serialize(value)});
}

task<> store_ledger::put(std::string kind, std::string key, json::value value)
{
    journal::entry_change change{journal::entry_verb::put, std::move(kind), std::move(key), json::serialize(value)};
    co_await carry_out(std::move(change));
}

task<> store_ledger::erase(std::string kind, std::string key)
{
    journal::entry_change change{journal::entry_verb::erase, std::move(kind), std::move(key)};
    co_await carry_out(std::move(change));
}

std::optional<json::value> store_ledger::find(const std::string& kind, const std::string& key)
{
    const auto text = reading_.entry(kind, key);
    return text ? std::optional(parse_entry(kind, key, *text)) : std::nullopt;
}

std::vector<std::pair<std::string, json::value>> store_ledger::list(const std::string& kind, const std::string& after,
                                                                    std::size_t limit)
{
    std::vector<std::pair<std::string, json::value>> result;
    for (auto& row : reading_.entries(kind, after, limit)) {
        auto value = parse_entry(kind, row.key, row.value);
        result.emplace_back(std::move(row.key), std::move(value));
    }
    return result;
}

std::vector<std::pair<std::string, json::value>>
store_ledger::readable(const std::string& kind,
                       const std::function<void(const std::string&, std::string_view)>& unreadable)
{
    std::vector<std::pair<std::string, json::value>> result;
    for (auto& row : reading_.entries(kind, {}, 0)) {
        try {
            result.emplace_back(row.key, parse_recorded(row.value));
        } catch (const boost::system::system_error&) {
            unreadable(row.key, "it is no JSON");
        }
    }
    return result;
}

void store_ledger::fail(const journal::store_error& why)
{
    broken_ = why;
    for (const auto& waiting : std::exchange(waiting_, {}))
        waiting->told.increment();
}

} // namespace potoo::runtime
