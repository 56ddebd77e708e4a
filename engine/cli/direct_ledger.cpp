#include "engine/cli/direct_ledger.hpp"

#include <utility>

namespace potoo::cli {

bool direct_ledger::change(journal::entry_verb verb, std::string kind, std::string key, std::string value)
{
    journal::batch b;
    b.changes.push_back({verb, std::move(kind), std::move(key), std::move(value)});
    return to_->append(b).changes.at(0);
}

task<bool> direct_ledger::insert(std::string kind, std::string key, json::value value)
{
    co_return change(journal::entry_verb::insert, std::move(kind), std::move(key), json::serialize(value));
}

task<> direct_ledger::put(std::string kind, std::string key, json::value value)
{
    change(journal::entry_verb::put, std::move(kind), std::move(key), json::serialize(value));
    co_return;
}

task<> direct_ledger::erase(std::string kind, std::string key)
{
    change(journal::entry_verb::erase, std::move(kind), std::move(key), {});
    co_return;
}

std::optional<json::value> direct_ledger::find(const std::string& kind, const std::string& key)
{
    const auto text = from_.entry(kind, key);
    return text ? std::optional(runtime::parse_entry(kind, key, *text)) : std::nullopt;
}

std::vector<std::pair<std::string, json::value>> direct_ledger::list(const std::string& kind, const std::string& after,
                                                                     std::size_t limit)
{
    std::vector<std::pair<std::string, json::value>> out;
    for (journal::entry_row& row : from_.entries(kind, after, limit)) {
        auto value = runtime::parse_entry(kind, row.key, row.value);
        out.emplace_back(std::move(row.key), std::move(value));
    }
    return out;
}

} // namespace potoo::cli
