#pragma once
/// @file
/// Single tasks and their keys as the ledger has them: kind `task` by the task's id, kind `task_key` by scope and key.

#include "engine/runtime/ledger.hpp"
#include "engine/server/tasks/task_entry.hpp"

#include <potoo/task.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server {

/// All that changes something is durable when it returns.
class task_ledger
{
  public:
    /// `facts` outlives it.
    explicit task_ledger(runtime::ledger& facts) : facts_(facts) {}

    /// As the entry is at the call.
    [[nodiscard]] task<> write(task_entry_ptr e);

    [[nodiscard]] task<> erase(std::string id);

    /// Of several that ask for one key, exactly one gets it. @return whether it is the task's now
    [[nodiscard]] task<bool> take_key(std::string slot, std::string id);

    [[nodiscard]] task<> free_key(std::string slot);

    /// The id of the task that has the key, empty when what is there names none. Nothing: the key is free.
    [[nodiscard]] std::optional<std::string> holder(const std::string& slot) const;

    /// Told what of the ledger cannot be read, and why.
    using complaint = std::function<void(const std::string& key, std::string_view why)>;

    /// All that can be read.
    [[nodiscard]] std::vector<task_entry_ptr> tasks(const complaint& unreadable) const;

    /// Slots that are taken, with the ids of their tasks as `holder` gives them.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> keys(const complaint& unreadable) const;

  private:
    runtime::ledger& facts_;
};

} // namespace potoo::server
