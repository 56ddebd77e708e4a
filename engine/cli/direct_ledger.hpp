#pragma once
/// @file
/// The ledger of a state directory that no engine is at work on.

#include "engine/journal/store.hpp"
#include "engine/runtime/ledger.hpp"

namespace potoo::cli {

/// Writes at once, and blocks meanwhile: nothing waits but the program itself.
class direct_ledger final : public runtime::ledger
{
  public:
    /// Both must outlive it. @param to null: nothing may be changed
    explicit direct_ledger(journal::reader& from, journal::store* to = nullptr) : from_(from), to_(to) {}

    [[nodiscard]] task<bool> insert(std::string kind, std::string key, json::value value) override;
    [[nodiscard]] task<> put(std::string kind, std::string key, json::value value) override;
    [[nodiscard]] task<> erase(std::string kind, std::string key) override;
    [[nodiscard]] std::optional<json::value> find(const std::string& kind, const std::string& key) override;
    [[nodiscard]] std::vector<std::pair<std::string, json::value>>
    list(const std::string& kind, const std::string& after, std::size_t limit) override;

  private:
    bool change(journal::entry_verb verb, std::string kind, std::string key, std::string value);

    journal::reader& from_;
    journal::store* to_;
};

} // namespace potoo::cli
