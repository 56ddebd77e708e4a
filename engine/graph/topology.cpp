#include "engine/graph/topology.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace potoo::graph {

namespace {

/// Depth-first along `upstream` through the tasks that could not be ordered.
class cycle_finder
{
  public:
    cycle_finder(const dag& d, std::vector<std::uint32_t> waiting_for)
        : dag_(d), waiting_for_(std::move(waiting_for)), state_(d.tasks.size(), state::fresh)
    {}

    std::vector<std::vector<task_index>> run()
    {
        for (std::uint32_t i = 0; i < dag_.tasks.size(); ++i)
            if (waiting_for_[i] > 0 && state_[i] == state::fresh)
                visit(i);
        return std::move(cycles_);
    }

  private:
    enum class state : std::uint8_t
    {
        fresh,
        on_path,
        done,
        in_cycle, ///< of a cycle that was reported; may still be on the path
    };

    struct step
    {
        std::uint32_t task;
        std::size_t next = 0; ///< position in `upstream`
    };

    void visit(std::uint32_t start)
    {
        path_.push_back({start});
        state_[start] = state::on_path;
        while (!path_.empty()) {
            auto& top = path_.back();
            const auto& upstream = dag_.tasks[top.task].upstream;
            if (top.next == upstream.size()) {
                if (state_[top.task] == state::on_path)
                    state_[top.task] = state::done;
                path_.pop_back();
                continue;
            }
            const auto u = upstream[top.next++].value();
            if (waiting_for_[u] == 0)
                continue;
            if (state_[u] == state::on_path)
                take_cycle(u);
            else if (state_[u] == state::fresh) {
                state_[u] = state::on_path;
                path_.push_back({u});
            }
        }
    }

    /// The path leads upstream, so that the cycle in the order of running is the path backwards.
    void take_cycle(std::uint32_t first)
    {
        std::vector<task_index> cycle;
        for (auto s = path_.rbegin();; ++s) {
            if (state_[s->task] == state::in_cycle)
                return; // shares a task with a cycle that is known
            cycle.push_back(task_index(s->task));
            if (s->task == first)
                break;
        }
        for (const auto t : cycle)
            state_[t.value()] = state::in_cycle;
        std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
        cycles_.push_back(std::move(cycle));
    }

    const dag& dag_;
    std::vector<std::uint32_t> waiting_for_;
    std::vector<state> state_;
    std::vector<step> path_;
    std::vector<std::vector<task_index>> cycles_;
};

constexpr std::size_t words = 4;
constexpr std::size_t batch_size = words * 64;
using ancestors = std::array<std::uint64_t, words>; ///< a bit for each of a batch of tasks

bool is_direct(const dag& d, const ancestry_question& q)
{
    const auto& upstream = d[q.first].upstream;
    return std::find(upstream.begin(), upstream.end(), q.second) != upstream.end();
}

/// Answers questions about the ancestors `batch` (positions in the order, ascending) by one pass over the part of the
/// order in which they and those asked about stand.
class ancestry_pass
{
  public:
    explicit ancestry_pass(const dag& d) : dag_(d), position_(d.tasks.size()), reach_(d.tasks.size())
    {
        for (std::size_t i = 0; i < d.topological_order.size(); ++i)
            position_[d.topological_order[i].value()] = i;
    }

    [[nodiscard]] std::size_t position(task_index t) const { return position_[t.value()]; }

    void run(std::span<const std::size_t> batch, std::size_t last)
    {
        const auto first = batch.front();
        std::size_t next = 0;
        for (auto at = first; at <= last; ++at) {
            auto& mine = reach_[at];
            mine = {};
            for (const auto u : dag_[dag_.topological_order[at]].upstream) {
                const auto from = position_[u.value()];
                if (from < first)
                    continue;
                for (std::size_t w = 0; w < words; ++w)
                    mine[w] |= reach_[from][w];
            }
            if (next < batch.size() && batch[next] == at) {
                mine[next / 64] |= std::uint64_t{1} << (next % 64);
                ++next;
            }
        }
    }

    [[nodiscard]] bool reaches(std::size_t in_batch, std::size_t at) const
    {
        return (reach_[at][in_batch / 64] >> (in_batch % 64) & 1) != 0;
    }

  private:
    const dag& dag_;
    std::vector<std::size_t> position_;
    std::vector<ancestors> reach_; ///< by position in the order
};

} // namespace

std::vector<std::vector<task_index>> order_tasks(dag& d)
{
    std::vector<std::uint32_t> waiting_for(d.tasks.size());
    for (std::uint32_t i = 0; i < d.tasks.size(); ++i) {
        waiting_for[i] = static_cast<std::uint32_t>(d.tasks[i].upstream.size());
        for (const auto u : d.tasks[i].upstream)
            d.tasks[u.value()].downstream.push_back(task_index(i));
    }
    auto& order = d.topological_order;
    order.reserve(d.tasks.size());
    for (std::uint32_t i = 0; i < d.tasks.size(); ++i)
        if (waiting_for[i] == 0)
            order.push_back(task_index(i));
    for (std::size_t at = 0; at < order.size(); ++at)
        for (const auto next : d[order[at]].downstream)
            if (--waiting_for[next.value()] == 0)
                order.push_back(next);
    if (order.size() == d.tasks.size())
        return {};
    return cycle_finder(d, std::move(waiting_for)).run();
}

std::vector<std::size_t> find_non_ancestors(const dag& d, std::span<const ancestry_question> questions)
{
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < questions.size(); ++i)
        if (!is_direct(d, questions[i]))
            open.push_back(i);
    if (open.empty())
        return {};

    ancestry_pass pass(d);
    std::sort(open.begin(), open.end(), [&](std::size_t a, std::size_t b) {
        return pass.position(questions[a].second) < pass.position(questions[b].second);
    });
    std::vector<std::size_t> refused;
    for (std::size_t begin = 0; begin < open.size();) {
        std::vector<std::size_t> batch;
        std::size_t last = 0;
        auto end = begin;
        for (; end < open.size(); ++end) {
            const auto ancestor = pass.position(questions[open[end]].second);
            if (batch.empty() || batch.back() != ancestor) {
                if (batch.size() == batch_size)
                    break;
                batch.push_back(ancestor);
            }
            last = std::max({last, ancestor, pass.position(questions[open[end]].first)});
        }
        pass.run(batch, last);
        for (; begin < end; ++begin) {
            const auto& q = questions[open[begin]];
            const auto in_batch = std::lower_bound(batch.begin(), batch.end(), pass.position(q.second)) - batch.begin();
            const auto at = pass.position(q.first);
            if (q.first == q.second || at < batch.front() || !pass.reaches(static_cast<std::size_t>(in_batch), at))
                refused.push_back(open[begin]);
        }
    }
    std::sort(refused.begin(), refused.end());
    return refused;
}

} // namespace potoo::graph
