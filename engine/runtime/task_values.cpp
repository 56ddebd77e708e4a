#include "engine/runtime/task_values.hpp"

#include <utility>

namespace potoo::runtime {
namespace {

const json::value null_value;

} // namespace

void task_values::set_items(task_index task, json::array items, std::vector<std::string> keys)
{
    row& r = rows_[task.value()];
    r.items = std::move(items);
    r.keys = std::move(keys);
}

const json::value& task_values::item(task_index task, item_index i) const
{
    const row& r = rows_[task.value()];
    const json::value* shown = r.ended && r.view.is_object() ? r.view.get_object().if_contains("items") : nullptr;
    const json::array& items = shown ? shown->get_array() : r.items;
    return i.value() < items.size() ? items[i.value()] : null_value;
}

std::string task_values::item_name(task_index task, item_index i) const
{
    if (!has_foreach(task))
        return {};
    const row& r = rows_[task.value()];
    return r.keys.empty() ? std::to_string(i.value()) : r.keys[i.value()];
}

void task_values::set_output(task_index task, item_index i, json::value output)
{
    row& r = rows_[task.value()];
    if (!r.error.empty() && r.error_of == i)
        r.error.clear();
    if (output.is_null())
        return;
    const std::size_t count = has_foreach(task) ? r.items.size() : 1;
    if (r.outputs.size() < count)
        r.outputs.resize(count);
    r.outputs[i.value()] = std::move(output);
}

void task_values::set_error(task_index task, item_index i, const json::object& error)
{
    row& r = rows_[task.value()];
    if (r.error.empty() || r.error_of == i) {
        r.error = error;
        r.error_of = i;
    }
}

void task_values::finish(task_index task, schedule::task_state state)
{
    row& r = rows_[task.value()];
    json::object view;
    if (has_foreach(task)) {
        r.outputs.resize(r.items.size());
        view["output"] = std::move(r.outputs);
        view["items"] = std::move(r.items);
    } else {
        view["output"] = r.outputs.empty() ? json::value() : std::move(r.outputs.front());
    }
    view["state"] = schedule::to_string(state);
    view["error"] = r.error.empty() ? json::value() : json::value(r.error);
    r.view = std::move(view);
    r.outputs = {};
    r.ended = true;
}

const json::value* task_values::view(std::string_view task_name) const
{
    const auto task = dag_.find(task_name);
    if (!task || !rows_[task->value()].ended)
        return nullptr;
    return &rows_[task->value()].view;
}

const json::object* task_values::error(task_index task) const
{
    const row& r = rows_[task.value()];
    return r.error.empty() ? nullptr : &r.error;
}

} // namespace potoo::runtime
