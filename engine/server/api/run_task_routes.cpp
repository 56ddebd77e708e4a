#include "engine/host/rendered_input.hpp"
#include "engine/host/run_json.hpp"
#include "engine/host/why_json.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/route_groups.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <functional>
#include <stdexcept>

namespace potoo::server {
namespace {

constexpr std::array<std::string_view, 12> item_states{"pending",   "queued",     "running", "deferred",
                                                       "retrying",  "cancelling", "success", "failed",
                                                       "timed_out", "cancelled",  "skipped", "upstream_failed"};

constexpr std::array states_by_word{
    journal::recorded_state::pending,   journal::recorded_state::queued,   journal::recorded_state::running,
    journal::recorded_state::deferred,  journal::recorded_state::retrying, journal::recorded_state::cancelling,
    journal::recorded_state::success,   journal::recorded_state::failed,   journal::recorded_state::timed_out,
    journal::recorded_state::cancelled, journal::recorded_state::skipped,  journal::recorded_state::upstream_failed};

task<std::vector<journal::task_row>> tasks_of(call& c, journal::run_number run)
{
    std::function<std::vector<journal::task_row>(journal::reader&)> look = [run](journal::reader& journal) {
        return journal.tasks(run);
    };
    auto rows = co_await c.state.desk.look(std::move(look));
    co_return rows;
}

task<web::reply> list_run_tasks(call& c)
{
    const auto after = cursor_number(c);
    const auto rows = co_await tasks_of(c, c.run().number);
    json::array items;
    std::string next;
    for (const journal::task_row& t : rows) {
        if (after && t.task.value() <= *after)
            continue;
        if (items.size() == c.limit()) {
            next = std::to_string(t.task.value() - 1);
            break;
        }
        items.push_back(host::task_json(t));
    }
    co_return list_reply(std::move(items), next);
}

task<web::reply> get_run_task(call& c)
{
    const journal::run_row run = c.run();
    const task_index task = c.task(run);
    const auto rows = co_await tasks_of(c, run.number);
    co_return json_reply(200, host::task_json(rows.at(task.value())));
}

/// `f17` or `o17`: the last item of the page before, and whether it had failed.
journal::item_cursor item_cursor_of(const std::string& text)
{
    journal::item_cursor cursor;
    std::uint32_t n = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), n);
    if (text.size() < 2 || (text[0] != 'f' && text[0] != 'o') || error != std::errc() ||
        end != text.data() + text.size())
        throw bad_cursor();
    cursor.failed = text[0] == 'f';
    cursor.item = item_index(n);
    return cursor;
}

std::string text_of(const journal::item_cursor& c)
{
    return (c.failed ? 'f' : 'o') + std::to_string(c.item.value());
}

journal::item_filter item_filter_of(const call& c, task_index task)
{
    journal::item_filter f;
    f.task = task;
    if (const std::string* state = c.text("state"))
        f.state = states_by_word[static_cast<std::size_t>(std::find(item_states.begin(), item_states.end(), *state) -
                                                          item_states.begin())];
    if (const std::string* cursor = c.text("cursor"))
        f.after = item_cursor_of(*cursor);
    f.limit = c.limit() + 1;
    return f;
}

task<web::reply> list_items(call& c)
{
    const journal::run_row run = c.run();
    const journal::item_filter filter = item_filter_of(c, c.task(run));
    std::function<std::vector<journal::item_row>(journal::reader&)> ask = [run = run.number, filter](auto& journal) {
        return journal.items(run, filter);
    };
    auto rows = co_await c.state.desk.look(std::move(ask));
    std::string next;
    if (rows.size() > c.limit()) {
        rows.pop_back();
        next = text_of(rows.back().place());
    }
    json::array items;
    for (const journal::item_row& i : rows)
        items.push_back(host::item_json(i));
    co_return list_reply(std::move(items), next);
}

task<web::reply> list_attempts(call& c)
{
    const journal::run_row run = c.run();
    const task_index task = c.task(run);
    const item_index item(c.number_in_path("item"));
    std::function<std::vector<journal::attempt_row>(journal::reader&)> ask =
        [run = run.number, task, item](auto& journal) { return journal.attempts(run, task, item); };
    const auto rows = co_await c.state.desk.look(std::move(ask));
    json::array items;
    for (const journal::attempt_row& a : rows)
        items.push_back(host::attempt_json(a));
    co_return list_reply(std::move(items), {});
}

std::optional<item_index> item_in_query(const call& c)
{
    const auto n = c.whole("item");
    return n ? std::optional(item_index(static_cast<std::uint32_t>(*n))) : std::nullopt;
}

task<web::reply> why_task(call& c)
{
    const journal::run_row run = c.run();
    const task_index index = c.task(run);
    const auto item = item_in_query(c);
    const auto rows = co_await tasks_of(c, run.number);
    const journal::task_row& row = rows.at(index.value());
    if (const std::string wrong = item ? host::item_problem(row, *item) : ""; !wrong.empty())
        throw problem(404, "item-unknown", wrong);
    std::optional<json::object> said;
    if (const auto found = c.services().engine.why(run.id, row.name, item))
        said = host::explanation_json(*found, sight_of(c));
    std::function<json::object(journal::reader&)> look = [run, index, item, said](journal::reader& journal) {
        return host::why_json(journal, run, index, item, said);
    };
    const auto out = co_await c.state.desk.look(std::move(look));
    co_return json_reply(200, out);
}

/// @throws problem: 404, or 409
json::value input_of(journal::reader& journal, const journal::run_row& run, const std::string& task, item_index item,
                     attempt_number attempt)
{
    try {
        return host::rendered_input(journal, run, task, item, attempt);
    } catch (const std::invalid_argument& e) {
        throw problem(404, "attempt-unknown", e.what());
    } catch (const journal::store_error&) {
        throw;
    } catch (const std::runtime_error& e) {
        throw problem(409, "input-unknown", e.what());
    }
}

task<web::reply> get_input(call& c)
{
    const journal::run_row run = c.run();
    static_cast<void>(c.task(run));
    const item_index item = item_in_query(c).value_or(item_index(0));
    const attempt_number attempt(static_cast<std::uint32_t>(c.whole("attempt").value_or(1)));
    std::function<json::value(journal::reader&)> look = [run, task = c.in_path("task"), item,
                                                         attempt](journal::reader& journal) {
        return input_of(journal, run, task, item, attempt);
    };
    auto input = co_await c.state.desk.look(std::move(look));
    co_return json_reply(200, json::object{{"run", run.id.value()},
                                           {"task", c.in_path("task")},
                                           {"item", item.value()},
                                           {"attempt", attempt.value()},
                                           {"input", std::move(input)}});
}

const parameter run_parameter{.name = "run", .about = "Id of the run."};
const parameter task_parameter{.name = "task", .about = "Name of the task."};
const parameter item_parameter{.name = "item", .about = "Position of the item, from 0.", .kind = value_kind::whole};

} // namespace

std::vector<route> run_task_routes()
{
    const parameter state{
        .name = "state", .about = "Only items in this state.", .kind = value_kind::word, .words = item_states};
    return {
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks",
         .operation = "list_run_tasks",
         .tag = "tasks of runs",
         .summary = "List the tasks of a run",
         .about = "In the order of the DAG's file, each with the number of its items in each state.",
         .in_path = {run_parameter},
         .in_query = {limit_parameter(), cursor_parameter()},
         .answers = {{200, "run_task_list", "A page of tasks"}},
         .handle = list_run_tasks},
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks/{task}",
         .operation = "get_run_task",
         .tag = "tasks of runs",
         .summary = "Look at a task of a run",
         .in_path = {run_parameter, task_parameter},
         .answers = {{200, "run_task", "The task"}},
         .handle = get_run_task},
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks/{task}/items",
         .operation = "list_items",
         .tag = "tasks of runs",
         .summary = "List the items of a task",
         .about = "Those that failed or timed out first, then the others; each by position.",
         .in_path = {run_parameter, task_parameter},
         .in_query = {state, limit_parameter(), cursor_parameter()},
         .answers = {{200, "item_list", "A page of items"}},
         .handle = list_items},
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks/{task}/items/{item}/attempts",
         .operation = "list_attempts",
         .tag = "tasks of runs",
         .summary = "List the attempts of an item",
         .about = "A task without `foreach` has the one item 0.",
         .in_path = {run_parameter, task_parameter, item_parameter},
         .answers = {{200, "attempt_list", "All its attempts, in order"}},
         .handle = list_attempts},
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks/{task}/why",
         .operation = "why_task",
         .tag = "tasks of runs",
         .summary = "Ask why a task does not run, or why it does",
         .about = "What weighs most comes first. Of a task with several items, without `item`, also how many of them "
                  "are in which state, with one of each.",
         .in_path = {run_parameter, task_parameter},
         .in_query = {item_parameter},
         .answers = {{200, "explanation", "The reasons"}},
         .handle = why_task},
        {.method = "GET",
         .path = "/api/v1/runs/{run}/tasks/{task}/input",
         .operation = "get_input",
         .tag = "tasks of runs",
         .summary = "Look at what an attempt was given",
         .about =
             "Rendered again from the journal; secrets are masked, and what the operator evaluates late is shown as "
             "it is written.",
         .in_path = {run_parameter, task_parameter},
         .in_query = {item_parameter,
                      {.name = "attempt", .about = "Its number; 1 without it.", .kind = value_kind::whole, .least = 1}},
         .answers = {{200, "rendered_input", "Its input"}},
         .problems = {409},
         .handle = get_input},
    };
}

} // namespace potoo::server
