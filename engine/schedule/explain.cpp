#include "engine/schedule/explain.hpp"

#include <string_view>
#include <utility>

namespace potoo::schedule {
namespace {

json::string text_value(std::string_view s)
{
    return json::string(json::string_view(s.data(), s.size()));
}

/// `a`, `b` and 3 more
class name_list
{
  public:
    void add(const std::string& name, std::string_view note)
    {
        constexpr std::size_t most = 3;
        all_.push_back(text_value(name));
        if (all_.size() > most)
            return;
        text_ += text_.empty() ? "`" : ", `";
        text_ += name + "` (" + std::string(note) + ")";
    }

    [[nodiscard]] bool empty() const { return all_.empty(); }

    [[nodiscard]] std::string text() const
    {
        constexpr std::size_t most = 3;
        return all_.size() > most ? text_ + " and " + std::to_string(all_.size() - most) + " more" : text_;
    }

    [[nodiscard]] json::array take() { return std::move(all_); }

  private:
    json::array all_;
    std::string text_;
};

class explainer
{
  public:
    explainer(const run_machine& m, task_index task, std::optional<item_index> item)
        : machine_(m), task_(task), item_(item), spec_(m.dag()[task])
    {
        out_.state = item ? m.state_of(task, *item) : m.state_of(task);
    }

    explanation explain()
    {
        if (is_terminal(out_.state))
            say_end();
        else if (machine_.is_evaluating(task_))
            add("evaluating", "its `when` and `foreach` are being evaluated");
        else if (out_.state == task_state::pending)
            say_upstream();
        else if (out_.state == task_state::queued)
            say_queue();
        else if (out_.state == task_state::retrying)
            say_retry();
        else
            say_under_way();
        const bool will_start = !is_terminal(out_.state) && !is_in_flight(out_.state);
        if (machine_.state() == run_state::paused && will_start && out_.state != task_state::queued)
            add("paused", "the run is paused, and would not start it");
        return std::move(out_);
    }

  private:
    void add(const char* code, std::string text, json::object details = {})
    {
        out_.reasons.push_back({code, std::move(text), std::move(details)});
    }

    void say_end()
    {
        json::object details{{"state", text_value(to_string(out_.state))}};
        std::string text = "it has ended (" + std::string(to_string(out_.state)) + ")";
        name_list decided;
        if (out_.state == task_state::upstream_failed || out_.state == task_state::skipped) {
            for (const task_index u : spec_.upstream) {
                const task_state s = machine_.state_of(u);
                if (s != task_state::success)
                    decided.add(machine_.dag()[u].name, to_string(s));
            }
        }
        if (!decided.empty()) {
            text += ", because of " + decided.text();
            details["upstream"] = decided.take();
        }
        add("ended", std::move(text), std::move(details));
    }

    void say_upstream()
    {
        name_list waits;
        for (const task_index u : spec_.upstream) {
            if (const task_state s = machine_.state_of(u); !is_terminal(s))
                waits.add(machine_.dag()[u].name, to_string(s));
        }
        const std::string_view rule = to_string(spec_.rule);
        std::string text = "it waits for " + waits.text() + " (" + std::string(rule) + ")";
        add("upstream", std::move(text), {{"tasks", waits.take()}, {"rule", text_value(rule)}});
    }

    void say_queue()
    {
        if (machine_.state() == run_state::paused)
            add("paused", "the run is paused");
        if (spec_.pool)
            say_pool(*spec_.pool);
        if (const std::uint32_t limit = spec_.max_active; spec_.foreach && limit != 0) {
            const std::uint32_t active = machine_.counts(task_).in_flight();
            if (active >= limit)
                add("max_active", "as many of its items are under way as `max_active` allows: " + std::to_string(limit),
                    {{"limit", limit}, {"in_flight", active}});
        }
        if (out_.reasons.empty())
            add("in_line", "it may start, and waits for its turn");
    }

    void say_pool(pool_index pool)
    {
        const pool_usage usage = machine_.usage_of(pool);
        if (usage.used < usage.slots)
            return;
        const std::string& name = machine_.dag().pools[pool.value()].name;
        add("pool_full", "no slot of the pool `" + name + "` is free",
            {{"pool", text_value(name)}, {"slots", usage.slots}, {"used", usage.used}});
    }

    void say_retry()
    {
        json::object details;
        std::string text = "it waits for its next attempt";
        if (item_ || !spec_.foreach) {
            const auto next = machine_.attempt_of(task_, item_.value_or(item_index(0))).value() + 1;
            details["attempt"] = next;
            text = "it waits for attempt " + std::to_string(next);
        }
        add("retry", std::move(text), std::move(details));
    }

    void say_under_way()
    {
        const std::string_view state = to_string(out_.state);
        if (!item_ && spec_.foreach) {
            const std::uint32_t items = machine_.counts(task_)[out_.state];
            add(state.data(),
                std::to_string(items) + " of its items " + (items == 1 ? "is " : "are ") + std::string(state),
                {{"items", items}});
            return;
        }
        const auto attempt = machine_.attempt_of(task_, item_.value_or(item_index(0))).value();
        std::string text = "attempt " + std::to_string(attempt);
        if (out_.state == task_state::running)
            text += " runs";
        else if (out_.state == task_state::deferred)
            text += " waits on something remote";
        else
            text += " was told to stop, and has not yet";
        add(state.data(), std::move(text), {{"attempt", attempt}});
    }

    const run_machine& machine_;
    task_index task_;
    std::optional<item_index> item_;
    const graph::task_spec& spec_;
    explanation out_;
};

} // namespace

explanation explain(const run_machine& machine, task_index task, std::optional<item_index> item)
{
    explanation out = explainer(machine, task, item).explain();
    if (item || machine.item_count(task) < 2)
        return out;
    const state_counts counts = machine.counts(task);
    const auto examples = machine.first_items(task);
    for (std::size_t s = 0; s < examples.size(); ++s) {
        if (!examples[s])
            continue;
        const auto state = static_cast<task_state>(s);
        explanation of_one = explainer(machine, task, examples[s]).explain();
        out.groups.push_back({state, counts[state], *examples[s], std::move(of_one.reasons.front())});
    }
    return out;
}

} // namespace potoo::schedule
