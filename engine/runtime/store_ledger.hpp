#pragma once
/// @file
/// The ledger in the store of the journal.

#include "engine/journal/store.hpp"
#include "engine/runtime/commit_log.hpp"
#include "engine/runtime/ledger.hpp"

#include <potoo/wait.hpp>

#include <memory>
#include <optional>
#include <unordered_set>

namespace potoo::runtime {

class store_ledger final : public ledger
{
  public:
    /// Both must outlive it; `reading` is of the store that `log` writes to.
    store_ledger(commit_log& log, journal::reader& reading) : log_(log), reading_(reading) {}

    /// Told to stop, it ends at once; whether the entry is there is then not known. So do `put` and `erase`.
    /// @throws journal::store_error when the journal cannot be written any more
    [[nodiscard]] task<bool> insert(std::string kind, std::string key, json::value value) override;
    [[nodiscard]] task<> put(std::string kind, std::string key, json::value value) override;
    [[nodiscard]] task<> erase(std::string kind, std::string key) override;

    [[nodiscard]] std::optional<json::value> find(const std::string& kind, const std::string& key) override;
    [[nodiscard]] std::vector<std::pair<std::string, json::value>>
    list(const std::string& kind, const std::string& after, std::size_t limit) override;
    [[nodiscard]] std::vector<std::pair<std::string, json::value>>
    readable(const std::string& kind,
             const std::function<void(const std::string&, std::string_view)>& unreadable) override;

    /// Nothing will be written any more: whoever waits, and whoever comes, is told so.
    void fail(const journal::store_error& why);

  private:
    struct answer
    {
        counter told;
        std::optional<bool> took_effect; ///< nothing: the journal is broken
    };

    task<bool> carry_out(journal::entry_change change);

    commit_log& log_;
    journal::reader& reading_;
    std::unordered_set<std::shared_ptr<answer>> waiting_;
    std::optional<journal::store_error> broken_;
};

} // namespace potoo::runtime
