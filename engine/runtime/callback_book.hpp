#pragma once
/// @file
/// The callbacks that a run's attempts have opened, and what was delivered to them.

#include "engine/journal/record.hpp"
#include "engine/journal/writer.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>
#include <potoo/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace potoo::runtime {

/// What became of an attempt to complete a callback.
enum class callback_outcome : std::uint8_t
{
    heard,             ///< a sign of life was noted
    completed,         ///< recorded; the attempt goes on once that is durable
    already_completed, ///< by whatever it was completed first
    attempt_ended,     ///< nobody waits for it any more
    unknown,           ///< this run has opened no such callback
};

/// What is recorded of a callback when it is opened.
struct opened_callback
{
    std::string token;
    json::value about; ///< null = nothing
};

[[nodiscard]] json::value opened_form(const opened_callback& c);

/// Reads the text of it back. @throws std::exception when it is none
[[nodiscard]] opened_callback parse_opened(std::string_view text);

/// Entries stay where they are until their attempt is forgotten.
class callback_book
{
  public:
    struct entry
    {
        task_index task;
        item_index item;
        attempt_number attempt;
        std::string branch;
        std::uint32_t step = 0;
        std::string name;
        std::string token;
        json::value about; ///< shown to people
        wall_time opened{};
        steady_time heard{}; ///< the last sign of life; the epoch = there was none
        double fraction = 0; ///< of its progress, as far as it said so
        bool success = false;
        json::value answer;            ///< once completed
        journal::position durable = 0; ///< what the completion has in the log; 0 = long durable
        counter completed;             ///< 1 once completed
    };

    /// What a `callback_opened` record says. One that is known already stays as it is.
    entry& open(const journal::record& opened);

    /// What a `callback_completed` record says. Only the first for a callback counts.
    /// @return false when it changed nothing: completed before, or never opened
    bool complete(const journal::record& completed, journal::position at);

    /// Null when there is none of that token, or its attempt is forgotten.
    [[nodiscard]] entry* find(std::string_view token);

    /// Calls `visit(const entry&)` for those that wait for their completion, in order of task and item.
    template <class Visit>
    void for_each_open(Visit&& visit) const
    {
        for (const auto& [place, e] : entries_) {
            if (e.completed.value() == 0)
                visit(e);
        }
    }

    /// The attempt has ended, and its coroutines: of its callbacks only what became of them is kept.
    void forget(task_index t, item_index i, attempt_number n);

    /// Of a token whose attempt is forgotten: `already_completed` or `attempt_ended`. `unknown` for any other.
    [[nodiscard]] callback_outcome forgotten(std::string_view token) const;

  private:
    using place = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::string, std::uint32_t>;

    [[nodiscard]] static place place_of(const journal::record& r);

    std::map<place, entry> entries_;
    std::unordered_map<std::string, entry*> by_token_;
    std::unordered_map<std::size_t, bool> completed_; ///< of those forgotten, by the hash of their token
};

} // namespace potoo::runtime
