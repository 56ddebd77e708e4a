#pragma once
/// @file
/// The attempts of a run that are under way, by task and item: a pointer for each item up to the last that was started,
/// until its task has ended.

#include "engine/runtime/live_attempt.hpp"

#include <potoo/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace potoo::runtime {

/// Owns them.
class attempt_table
{
  public:
    explicit attempt_table(std::size_t tasks) : rows_(tasks) {}

    attempt_table(const attempt_table&) = delete;
    attempt_table& operator=(const attempt_table&) = delete;

    ~attempt_table() { clear(); }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Null when no attempt of the item is under way.
    [[nodiscard]] live_attempt* find(task_index task, item_index item) const noexcept
    {
        const row& r = rows_[task.value()];
        if (item.value() == 0)
            return r.first;
        const std::size_t place = item.value() - 1;
        return place < r.others.size() ? r.others[place] : nullptr;
    }

    /// There must be none of that item.
    live_attempt& insert(std::unique_ptr<live_attempt> a)
    {
        row& r = rows_[a->task_at().value()];
        const std::uint32_t item = a->item().value();
        if (item > r.others.size())
            r.others.resize(item);
        ++size_;
        return *(place_of(r, item) = a.release());
    }

    /// There must be one.
    [[nodiscard]] std::unique_ptr<live_attempt> take(task_index task, item_index item) noexcept
    {
        --size_;
        return std::unique_ptr<live_attempt>(std::exchange(place_of(rows_[task.value()], item.value()), nullptr));
    }

    /// The task has ended, and none of its attempts is under way.
    void forget(task_index task) noexcept { std::vector<live_attempt*>().swap(rows_[task.value()].others); }

    /// In order of task and item. `visit` may end attempts, and starts none.
    template <class Visit>
    void for_each(Visit&& visit)
    {
        for (row& r : rows_) {
            if (r.first)
                visit(*r.first);
            for (std::size_t i = 0; i < r.others.size(); ++i) {
                if (r.others[i])
                    visit(*r.others[i]);
            }
        }
    }

    /// Destroys them where they wait.
    void clear() noexcept
    {
        for (row& r : rows_) {
            delete std::exchange(r.first, nullptr);
            for (live_attempt*& a : r.others)
                delete std::exchange(a, nullptr);
        }
        size_ = 0;
    }

  private:
    struct row
    {
        live_attempt* first = nullptr;     ///< of item 0: most tasks have no other
        std::vector<live_attempt*> others; ///< by item, from 1
    };

    [[nodiscard]] static live_attempt*& place_of(row& r, std::uint32_t item) noexcept
    {
        return item == 0 ? r.first : r.others[item - 1];
    }

    std::vector<row> rows_;
    std::size_t size_ = 0;
};

} // namespace potoo::runtime
