#pragma once
/// @file
/// An ad-hoc task as the service keeps it, in memory and in the ledger.

#include "engine/server/tasks/task_view.hpp"

#include <potoo/json.hpp>
#include <potoo/wait.hpp>

#include <memory>
#include <string>
#include <vector>

namespace potoo::server {

struct task_entry
{
    task_view shown;
    std::vector<std::string> readers; ///< who has ever subscribed: they may see it
    bool cancelling = false;          ///< its cancellation is accepted
    bool changed = false;             ///< it is among the changes of the `task_backlog`
    bool failed = false;              ///< it never began
    counter settled;                  ///< 1 once it has begun, or never will
    counter released;                 ///< 1 once it has ended and its key is free

    [[nodiscard]] bool has_begun() const noexcept { return settled.value() != 0 && !failed; }

    [[nodiscard]] bool has_ended() const noexcept { return shown.ended.has_value(); }

    [[nodiscard]] bool is_subscribed(const std::string& who) const;

    /// Subscribed, or was.
    [[nodiscard]] bool is_reader(const std::string& who) const;

    void subscribe(const std::string& who);
    void unsubscribe(const std::string& who);
};

using task_entry_ptr = std::shared_ptr<task_entry>;

/// What the key stands under in the ledger; empty without a key.
[[nodiscard]] std::string slot_of(const task_view& t);

[[nodiscard]] json::object kept_form(const task_entry& e);

/// What `kept_form` wrote. @throws std::exception when it is none
void read_kept_form(const json::value& kept, task_entry& into);

} // namespace potoo::server
