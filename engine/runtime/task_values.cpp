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
    const json::value* shown = r.view.is_object() ? r.view.get_object().if_contains("items") : nullptr;
    const json::array& items = shown ? shown->get_array() : r.items;
    return i.value() < items.size() ? items[i.value()] : null_value;
}

std::string task_values::item_name(task_index task, item_index i) const
{
    if (!has_foreach(task))
        return {};
    const row& r = rows_[task.value()];
    return i.value() < r.keys.size() ? r.keys[i.value()] : std::to_string(i.value());
}

void task_values::set_output(task_index task, item_index i, json::value output)
{
    row& r = rows_[task.value()];
    if (!r.error.empty() && r.error_of == i)
        r.error.clear();
    if (output.is_null())
        return;
    if (r.outputs.size() <= i.value())
        r.outputs.resize(i.value() + 1);
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
    r.state = state;
    r.earlier = {};
}

void task_values::reopen(task_index task, bool all)
{
    row& r = rows_[task.value()];
    if (!schedule::is_terminal(r.state))
        return;
    if (r.view.is_null())
        build_view(task, r);
    json::value shown = std::move(r.view);
    std::vector<std::string> keys = std::move(r.keys);
    r = {};
    if (!all && has_foreach(task)) {
        r.items = shown.get_object()["items"].as_array();
        r.outputs = shown.get_object()["output"].as_array();
        r.keys = std::move(keys);
    }
    r.earlier = std::move(shown);
}

const json::value* task_values::view(std::string_view task_name) const
{
    const auto task = dag_.find(task_name);
    if (!task)
        return nullptr;
    row& r = rows_[task->value()];
    if (!schedule::is_terminal(r.state))
        return r.earlier.is_null() ? nullptr : &r.earlier;
    if (r.view.is_null())
        build_view(*task, r);
    return &r.view;
}

void task_values::build_view(task_index task, row& r) const
{
    json::object view;
    if (has_foreach(task)) {
        r.outputs.resize(r.items.size());
        view["output"] = std::move(r.outputs);
        view["items"] = std::move(r.items);
    } else {
        view["output"] = r.outputs.empty() ? json::value() : std::move(r.outputs.front());
    }
    view["state"] = schedule::to_string(r.state);
    view["error"] = r.error.empty() ? json::value() : json::value(r.error);
    r.view = std::move(view);
    r.outputs = {};
}

const json::object* task_values::error(task_index task) const
{
    const row& r = rows_[task.value()];
    return r.error.empty() ? nullptr : &r.error;
}

} // namespace potoo::runtime
