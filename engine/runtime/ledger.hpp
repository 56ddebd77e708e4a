#pragma once
/// @file
/// What the engine remembers besides the journal's records: mutable facts under unique keys, in the same store, written
/// by the same writer in the same order. Tokens, pauses, schedules, keys of ad-hoc tasks, the audit trail.

#include <potoo/json.hpp>
#include <potoo/task.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::runtime {

class ledger
{
  public:
    ledger() = default;
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;
    virtual ~ledger() = default;

    /// Adds an entry unless the key is taken: of several that ask for one key, exactly one gets it, whoever they are;
    /// the store's unique index decides. Durable when it returns.
    /// @return whether it was added
    [[nodiscard]] virtual task<bool> insert(std::string kind, std::string key, json::value value) = 0;

    /// Adds or replaces. Durable when it returns.
    [[nodiscard]] virtual task<> put(std::string kind, std::string key, json::value value) = 0;

    /// Durable when it returns. One that is not there is none the less gone.
    [[nodiscard]] virtual task<> erase(std::string kind, std::string key) = 0;

    /// What is durable. @throws journal::store_error
    [[nodiscard]] virtual std::optional<json::value> find(const std::string& kind, const std::string& key) = 0;

    /// Those whose key is after `after`, in order of key, at most `limit`; 0 = all. @throws journal::store_error
    [[nodiscard]] virtual std::vector<std::pair<std::string, json::value>>
    list(const std::string& kind, const std::string& after, std::size_t limit) = 0;

    /// All of that kind, in order of key, but for those that are no JSON, of which `unreadable` is told the key and
    /// what is wrong. For whoever can do without one of them. @throws journal::store_error
    [[nodiscard]] virtual std::vector<std::pair<std::string, json::value>>
    readable(const std::string& kind, const std::function<void(const std::string&, std::string_view)>& /*unreadable*/)
    {
        return list(kind, {}, 0);
    }
};

/// What an entry's text says. @throws journal::store_error (`corrupt`) when it is no JSON
[[nodiscard]] json::value parse_entry(const std::string& kind, const std::string& key, const std::string& text);

} // namespace potoo::runtime
