#include "engine/schedule/tasks_to_reopen.hpp"

#include <algorithm>

namespace potoo::schedule {
namespace {

bool ended_without_running(task_state s)
{
    return s == task_state::upstream_failed || s == task_state::skipped || s == task_state::cancelled;
}

class closure
{
  public:
    closure(const graph::dag& dag, const reopen_wish& wish) : wish_(wish), named_(dag.tasks.size()), reopened_(named_)
    {
        for (const task_index t : wish.tasks)
            named_.at(t.value()) = true;
    }

    void consider(task_index t, const graph::task_spec& spec, const task_standing& s)
    {
        const bool named = is_wished(t, s);
        const bool behind = std::any_of(spec.upstream.begin(), spec.upstream.end(),
                                        [this](task_index u) { return reopened_[u.value()]; });
        if (!is_terminal(s.state)) {
            if (named && s.has_unsuccessful_items)
                out_.push_back({t, false});
            return;
        }
        const bool follows = behind && (wish_.downstream || ended_without_running(s.state));
        if (!named && !follows)
            return;
        const bool only_items = (wish_.tasks.empty() || wish_.failed_only) && s.has_unsuccessful_items;
        reopened_[t.value()] = true;
        out_.push_back({t, behind || !only_items});
    }

    [[nodiscard]] std::vector<task_reopened> take() { return std::move(out_); }

  private:
    [[nodiscard]] bool is_wished(task_index t, const task_standing& s) const
    {
        const bool went_wrong = is_unsuccessful(s.state) || s.has_unsuccessful_items;
        if (wish_.tasks.empty())
            return went_wrong;
        return named_[t.value()] && (went_wrong || !wish_.failed_only);
    }

    const reopen_wish& wish_;
    std::vector<bool> named_;
    std::vector<bool> reopened_;
    std::vector<task_reopened> out_;
};

} // namespace

std::vector<task_reopened> tasks_to_reopen(const graph::dag& dag, const reopen_wish& wish,
                                           const std::function<task_standing(task_index)>& standing)
{
    closure all(dag, wish);
    for (const task_index t : dag.topological_order)
        all.consider(t, dag[t], standing(t));
    return all.take();
}

} // namespace potoo::schedule
