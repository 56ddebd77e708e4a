#include "engine/host/why_json.hpp"

#include "engine/host/journal_requests.hpp"
#include "engine/host/recorded_dag.hpp"
#include "engine/host/run_json.hpp"
#include "engine/journal/store_error.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>
#include <utility>

namespace potoo::host {

namespace {

using journal::recorded_state;

/// Of the runs that hold the slots of a full pool those that may be told of.
void hide_others(json::object& details, const run_sight& sees)
{
    json::value* runs = details.if_contains("runs");
    if (!sees || !runs || !runs->is_object())
        return;
    json::object seen;
    for (const auto& [id, slots] : runs->get_object()) {
        if (sees(run_id(std::string(id))))
            seen[id] = slots;
    }
    details["runs"] = std::move(seen);
}

/// Who has the slots of a full pool, for people.
std::string holders_in(const json::object& details)
{
    const json::value* runs = details.if_contains("runs");
    if (!runs || !runs->is_object())
        return {};
    std::string text;
    for (const auto& [id, slots] : runs->get_object())
        text += fmt::format("{}{} has {}", text.empty() ? "; run " : ", ", std::string_view(id),
                            slots.to_number<std::uint64_t>());
    return text;
}

json::object reason_json(std::string_view code, std::string_view text, json::object details = {})
{
    return {{"code", json::string(code)}, {"text", json::string(text)}, {"details", std::move(details)}};
}

json::object reason_json(const schedule::reason& r, const run_sight& sees)
{
    json::object details = r.details;
    hide_others(details, sees);
    const std::string text = r.text + holders_in(details);
    return reason_json(r.code, text, std::move(details));
}

json::object group_json(std::string_view state, std::uint32_t count, item_index example, json::object why)
{
    return {{"state", json::string(state)}, {"count", count}, {"example", example.value()}, {"reason", std::move(why)}};
}

/// Why the items of `groups` that failed did so, each of them as its own attempt says.
void add_errors(journal::reader& journal, journal::run_number run, task_index task, json::array& groups)
{
    for (json::value& v : groups) {
        json::object& group = v.as_object();
        if (group["state"] != "failed" && group["state"] != "timed_out")
            continue;
        const item_index example(group["example"].to_number<std::uint32_t>());
        const auto attempts = journal.attempts(run, task, example);
        if (!attempts.empty() && !attempts.back().error.empty())
            group["reason"].at("details").as_object()["error"] = recorded_json(attempts.back().error);
    }
}

/// What the journal alone says of a task, or of one item of it, whose run no engine carries.
class rest
{
  public:
    rest(journal::reader& journal, const journal::run_row& run) : journal_(journal), run_(run) {}

    [[nodiscard]] json::object explain(task_index task, std::optional<item_index> item)
    {
        refresh();
        const auto rows = journal_.tasks(run_.number);
        const journal::task_row& t = rows.at(task.value());
        recorded_state state = t.state;
        std::string error = t.error;
        const bool several = t.items > 1;
        std::optional<journal::attempt_row> last;
        if (item || !several)
            last = last_attempt(t.task, item.value_or(item_index(0)));
        if (several && last && last->state != recorded_state::none) {
            state = last->state;
            error = last->error;
            const bool goes_on = last->retry && t.counts[static_cast<std::size_t>(recorded_state::retrying)] > 0;
            if (goes_on && journal::is_first(state))
                state = recorded_state::retrying;
        }
        json::array reasons{reason(state, error)};
        if (!is_over(state))
            add_standing(reasons, rows, t, state, last);
        return {{"state", json::string(to_string(state))},
                {"reasons", std::move(reasons)},
                {"items", several && !item ? groups(t) : json::array()}};
    }

  private:
    /// It may have ended since it was asked about.
    void refresh()
    {
        request_result gone;
        if (auto now = run_named(journal_, run_.id.value(), gone))
            run_ = std::move(*now);
        is_cancelled_ = !run_.ended && cancellation_of(journal_, run_.number).run;
    }

    [[nodiscard]] bool is_over(recorded_state state) const { return journal::is_final(state) || run_.ended; }

    [[nodiscard]] std::optional<journal::attempt_row> last_attempt(task_index task, item_index item)
    {
        auto attempts = journal_.attempts(run_.number, task, item);
        return attempts.empty() ? std::nullopt : std::optional(std::move(attempts.back()));
    }

    [[nodiscard]] json::object reason(recorded_state state, const std::string& error) const
    {
        const bool over = is_over(state);
        json::object details;
        if (over)
            details["state"] = json::string(to_string(state));
        if (!error.empty())
            details["error"] = recorded_json(error);
        if (over)
            return reason_json("ended", fmt::format("it has ended ({})", to_string(state)), std::move(details));
        return reason_json("not_carried",
                           is_cancelled_ ? "no engine carries the run at this moment: it is cancelled when one does"
                                         : "no engine carries the run at this moment: it goes on when one does",
                           std::move(details));
    }

    /// Where it stood when the last engine left.
    void add_standing(json::array& reasons, const std::vector<journal::task_row>& rows, const journal::task_row& t,
                      recorded_state state, const std::optional<journal::attempt_row>& last)
    {
        if (run_.state == recorded_state::paused)
            reasons.push_back(reason_json("paused", "the run is paused"));
        if (state == recorded_state::pending)
            add_upstream(reasons, rows, t);
        if (!last)
            return;
        if (state == recorded_state::retrying && last->retry) {
            const auto next = last->attempt.value() + 1;
            const std::string at = format_time(*last->retry);
            reasons.push_back(reason_json("retry", fmt::format("it waits for attempt {}, due at {}", next, at),
                                          {{"at", at}, {"attempt", next}}));
        }
        const bool in_flight = state == recorded_state::running || state == recorded_state::deferred ||
                               state == recorded_state::cancelling;
        if (const auto since = last->deferred ? last->deferred : last->started; in_flight && since) {
            const std::string at = format_time(*since);
            reasons.push_back(reason_json(
                to_string(state),
                fmt::format("attempt {} is recorded as {} since {}", last->attempt.value(), to_string(state), at),
                {{"attempt", last->attempt.value()}, {"since", at}}));
        }
    }

    void add_upstream(json::array& reasons, const std::vector<journal::task_row>& rows, const journal::task_row& t)
    {
        std::shared_ptr<const graph::dag> dag;
        try {
            dag = load_recorded_dag(journal_, run_);
        } catch (const journal::store_error&) {
            throw;
        } catch (const std::runtime_error&) {
            // Its operators are a plugin's, say. The rest is true without.
            return;
        }
        json::array names;
        std::string text;
        for (const task_index u : (*dag)[t.task].upstream) {
            const journal::task_row& above = rows.at(u.value());
            if (journal::is_final(above.state))
                continue;
            names.push_back(json::string(above.name));
            text += fmt::format("{}`{}` ({})", text.empty() ? "" : ", ", above.name, to_string(above.state));
        }
        if (names.empty())
            return;
        const std::string_view rule = to_string((*dag)[t.task].rule);
        reasons.push_back(reason_json("upstream", fmt::format("it waits for {} ({})", text, rule),
                                      {{"tasks", std::move(names)}, {"rule", json::string(rule)}}));
    }

    /// Items of a task by state, each with the first of them.
    [[nodiscard]] json::array groups(const journal::task_row& t)
    {
        json::array out;
        for (std::size_t s = 1; s < t.counts.size(); ++s) {
            const auto state = static_cast<recorded_state>(s);
            journal::item_filter first;
            first.task = t.task;
            first.state = state;
            first.limit = 1;
            const auto found = t.counts[s] > 0 ? journal_.items(run_.number, first) : std::vector<journal::item_row>();
            if (!found.empty())
                out.push_back(
                    group_json(to_string(state), t.counts[s], found.front().item, reason(state, found.front().error)));
        }
        return out;
    }

    journal::reader& journal_;
    journal::run_row run_;
    bool is_cancelled_ = false; ///< somebody has asked for it
};

} // namespace

std::string item_problem(const journal::task_row& t, item_index item)
{
    if (item.value() < t.items)
        return {};
    return fmt::format("The task {} has {} {}, the last is {}.", t.name, t.items, t.items == 1 ? "item" : "items",
                       t.items > 0 ? std::to_string(t.items - 1) : "none");
}

json::object explanation_json(const schedule::explanation& e, const run_sight& sees)
{
    json::array reasons;
    for (const schedule::reason& r : e.reasons)
        reasons.push_back(reason_json(r, sees));
    json::array groups;
    for (const schedule::item_group& g : e.groups)
        groups.push_back(group_json(to_string(g.state), g.items, g.example, reason_json(g.why, sees)));
    return {{"state", json::string(to_string(e.state))}, {"reasons", std::move(reasons)}, {"items", std::move(groups)}};
}

json::object why_json(journal::reader& journal, const journal::run_row& run, task_index task,
                      std::optional<item_index> item, std::optional<json::object> said)
{
    const bool is_carried = said.has_value();
    json::object out = is_carried ? std::move(*said) : rest(journal, run).explain(task, item);
    if (is_carried)
        add_errors(journal, run.number, task, out["items"].as_array());
    out["run"] = run.id.value();
    out["task"] = journal.dag_of(run.number).tasks.at(task.value());
    out["item"] = item ? json::value(item->value()) : json::value();
    return out;
}

} // namespace potoo::host
