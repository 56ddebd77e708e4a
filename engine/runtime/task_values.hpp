#pragma once
/// @file
/// What the tasks of a run yielded so far, as expressions see it: `tasks.X` is `{output, state, error, items}` once X
/// has ended; before that it is null. An item costs its value until it yields something that is not null; what
/// expressions see is put together when it is asked for.

#include "engine/graph/dag.hpp"
#include "engine/schedule/states.hpp"

#include <potoo/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace potoo::runtime {

class task_values
{
  public:
    explicit task_values(const graph::dag& d) : dag_(d), rows_(d.tasks.size()) {}

    /// The items of a `foreach`, and their keys if the task gives a `key`.
    void set_items(task_index task, json::array items, std::vector<std::string> keys);

    /// The item's value; null for a task without `foreach`.
    [[nodiscard]] const json::value& item(task_index task, item_index i) const;

    /// The item's key, or its position; empty for a task without `foreach`.
    [[nodiscard]] std::string item_name(task_index task, item_index i) const;

    void set_output(task_index task, item_index i, json::value output);

    /// The first error stays, except that a later attempt of the same item replaces or clears it.
    void set_error(task_index task, item_index i, const json::object& error);

    /// The task has ended: `tasks.X` may be asked for.
    void finish(task_index task, schedule::task_state state);

    /// The task has not ended any more. Until it does again `tasks.X` is what it was, for those who go on with it.
    /// @param all it starts over; otherwise its items, and what they yielded, stay
    void reopen(task_index task, bool all);

    /// `tasks.X`, valid until X is reopened or ends; null while X has not ended.
    [[nodiscard]] const json::value* view(std::string_view task_name) const;

    /// The error that `tasks.X.error` shows; null when there is none.
    [[nodiscard]] const json::object* error(task_index task) const;

  private:
    struct row
    {
        json::array items;
        std::vector<std::string> keys;
        json::array outputs; ///< up to the last item that yielded one
        json::object error;
        item_index error_of;
        schedule::task_state state = schedule::task_state::pending; ///< terminal once it has ended
        json::value view;                                           ///< null until it is asked for; then has the items
        json::value earlier;                                        ///< `view` of before it was reopened
    };

    void build_view(task_index task, row& r) const;

    [[nodiscard]] bool has_foreach(task_index t) const { return dag_[t].foreach.has_value(); }

    const graph::dag& dag_;
    mutable std::vector<row> rows_; ///< for the views
};

} // namespace potoo::runtime
