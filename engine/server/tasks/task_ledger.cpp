#include "engine/server/tasks/task_ledger.hpp"

#include <potoo/json_members.hpp>

#include <exception>
#include <stdexcept>

namespace potoo::server {

namespace {

constexpr const char* task_kind = "task";
constexpr const char* key_kind = "task_key";

/// @throws std::exception
task_entry_ptr entry_of(const std::string& id, const json::value& kept)
{
    auto e = std::make_shared<task_entry>();
    read_kept_form(kept, *e);
    if (e->shown.id != id)
        throw std::runtime_error("it is of another task");
    return e;
}

} // namespace

task<> task_ledger::write(task_entry_ptr e)
{
    json::value kept = kept_form(*e);
    co_await facts_.put(task_kind, e->shown.id, std::move(kept));
}

task<> task_ledger::erase(std::string id)
{
    co_await facts_.erase(task_kind, std::move(id));
}

task<bool> task_ledger::take_key(std::string slot, std::string id)
{
    json::value taker = json::object{{"task", std::move(id)}};
    const bool taken = co_await facts_.insert(key_kind, std::move(slot), std::move(taker));
    co_return taken;
}

task<> task_ledger::free_key(std::string slot)
{
    co_await facts_.erase(key_kind, std::move(slot));
}

std::optional<std::string> task_ledger::holder(const std::string& slot) const
{
    const auto kept = facts_.find(key_kind, slot);
    return kept ? std::optional(text_in(*kept, "task")) : std::nullopt;
}

std::vector<task_entry_ptr> task_ledger::tasks(const complaint& unreadable) const
{
    std::vector<task_entry_ptr> found;
    for (const auto& [id, kept] : facts_.readable(task_kind, unreadable)) {
        try {
            found.push_back(entry_of(id, kept));
        } catch (const std::exception& problem) {
            unreadable(id, problem.what());
        }
    }
    return found;
}

std::vector<std::pair<std::string, std::string>> task_ledger::keys(const complaint& unreadable) const
{
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [slot, kept] : facts_.readable(key_kind, unreadable))
        found.emplace_back(slot, text_in(kept, "task"));
    return found;
}

} // namespace potoo::server
