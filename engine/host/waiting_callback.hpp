#pragma once
/// @file
/// Callbacks that wait for their completion, as the journal knows them.

#include "engine/journal/store.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::host {

struct waiting_callback
{
    run_id run;
    std::string dag;
    std::string task;
    item_index item;
    attempt_number attempt;
    std::string name;
    std::string token; ///< whoever has it can complete it
    json::value about; ///< what the operator says of it; null = nothing
    wall_time opened{};
};

/// How a run knows a token.
enum class callback_standing : std::uint8_t
{
    unknown, ///< the run has opened no such callback
    waits,
    over, ///< completed, or its attempt has ended
};

/// Those of one run, in order of task and item. @throws journal::store_error
[[nodiscard]] std::vector<waiting_callback> waiting_callbacks_of(journal::reader& journal, const journal::run_row& run);

/// The last one of that name that an item of a task has opened, whether it waits still or not; nothing when there is
/// none. @throws journal::store_error
[[nodiscard]] std::optional<waiting_callback> last_opened(journal::reader& journal, const journal::run_row& run,
                                                          const std::string& task, item_index item,
                                                          std::string_view name);

/// `run`, `dag`, `task`, `item`, `attempt`, `opened`, and what it is about. Not the token.
[[nodiscard]] json::object to_json(const waiting_callback& w);

/// The name that approvals open their callbacks under (operators/approval.cpp).
inline constexpr std::string_view approval_name = "approval";

/// Who may say so: `approvers` of what an approval is about. @return true when everybody may
[[nodiscard]] bool may_approve(const waiting_callback& w, std::string_view who);

/// What is delivered for the answer to an approval: a JSON object.
[[nodiscard]] json::object approval_answer(bool approved, std::string_view by, std::string_view comment);

} // namespace potoo::host
