#include "machine_text.hpp"

#include <variant>

namespace potoo::schedule::testing {
namespace {

class action_text
{
  public:
    explicit action_text(const graph::dag& dag) : dag_(dag) {}

    std::string operator()(const evaluate_task& a) const { return "evaluate " + name(a.task); }

    std::string operator()(const start_attempt& a) const { return "start " + attempt(a); }

    std::string operator()(const arm_retry& a) const
    {
        return "retry " + attempt(a) + " in " + format_duration(a.delay);
    }

    std::string operator()(const disarm_retry& a) const
    {
        return "disarm " + name(a.task) + "." + std::to_string(a.item.value());
    }

    std::string operator()(const withdraw_attempt& a) const { return "withdraw " + attempt(a); }

    std::string operator()(const cancel_attempt& a) const
    {
        return "cancel " + attempt(a) + " " + std::string(to_string(a.reason));
    }

    std::string operator()(const task_ended& a) const { return name(a.task) + " " + std::string(to_string(a.state)); }

    std::string operator()(const run_ended& a) const { return "run " + std::string(to_string(a.state)); }

  private:
    static std::string format_duration(duration d) { return std::to_string(d.count()) + "ms"; }

    std::string name(task_index t) const { return dag_[t].name; }

    template <class Action>
    std::string attempt(const Action& a) const
    {
        return name(a.task) + "." + std::to_string(a.item.value()) + "#" + std::to_string(a.attempt.value());
    }

    const graph::dag& dag_;
};

void append(std::string& list, const std::string& element)
{
    if (!list.empty())
        list += ", ";
    list += element;
}

} // namespace

std::string text_machine::evaluated(std::uint32_t task, std::uint32_t items)
{
    return apply(task_evaluated{task_index(task), verdict::run, items});
}

std::string text_machine::end(std::uint32_t task, std::uint32_t item, attempt_outcome outcome, bool retry_allowed,
                              double jitter)
{
    return apply(attempt_ended{task_index(task), item_index(item), outcome, retry_allowed, jitter});
}

std::string text_machine::state(std::uint32_t task, std::optional<std::uint32_t> item) const
{
    return std::string(
        to_string(item ? machine.state_of(task_index(task), item_index(*item)) : machine.state_of(task_index(task))));
}

std::string text_machine::text(const state_counts& counts)
{
    std::string result;
    for (std::size_t s = 0; s < task_state_count; ++s)
        if (const auto state = static_cast<task_state>(s); counts[state] > 0)
            append(result, std::to_string(counts[state]) + " " + std::string(to_string(state)));
    return result;
}

std::string text_machine::text(std::span<const action> actions) const
{
    std::string result;
    for (const action& a : actions)
        append(result, std::visit(action_text(machine.dag()), a));
    return result;
}

} // namespace potoo::schedule::testing
