#pragma once
// A context for tests of operators: what the operator may ask for is set by the test, what it says is kept.
//
//     operator_fixture f;                                          // real loop
//     fake_context ctx(f.loop, "shell", R"({"command": "echo ${{ params.x }}"})");
//     ctx.bind("params", json::parse(R"({"x": 1})"));
//     ctx.runner = &processes;                                     // ctx.client = &http; ctx.connections["hpc"] = {…};
//     json::value output = f.run(ctx.perform());

#include "engine/graph/schema_check.hpp"
#include "engine/loop/real_loop.hpp"

#include <potoo/context.hpp>
#include <potoo/execution.hpp>
#include <potoo/http.hpp>
#include <potoo/operator.hpp>
#include <potoo/process.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::test {

class fake_context final : public context
{
  public:
    /// `with` as it stands in a DAG file, except that only the operator's late properties may hold expressions.
    /// @throws std::invalid_argument with what the operator's schema says against it
    fake_context(potoo::loop& l, std::string_view operator_name, std::string_view with = "{}")
        : entry_(operators().find(operator_name)), loop_(l)
    {
        if (!entry_)
            throw std::invalid_argument("no operator is called " + std::string(operator_name));
        for (const char* name : {"params", "tasks", "run", "item", "item_index", "attempt", "launch_token"})
            known_names_.allow(name);
        for (const auto& name : entry_->late_names)
            known_names_.allow(name);
        take_with(json::parse(json::string_view(with.data(), with.size())).as_object());
    }

    /// Gives a name that late properties use its value.
    void bind(std::string_view name, json::value value)
    {
        auto& [key, kept] = bound_values_.emplace_back(std::string(name), std::move(value));
        names_.set(key, kept);
    }

    /// The operator's coroutine, as of another attempt. The context must outlive it.
    [[nodiscard]] task<json::value> perform()
    {
        token_claimed = false;
        return entry_->run(*this);
    }

    /// What attempts share.
    using shared_objects = std::map<std::pair<std::type_index, std::string>, std::shared_ptr<void>>;

    // What the operator finds.
    shared_objects own_shared;
    shared_objects* shared = &own_shared; ///< several contexts may have the same
    http_client* client = nullptr;
    process_runner* runner = nullptr;
    std::map<std::string, json::object, std::less<>> connections;
    std::vector<std::pair<std::string, std::string>> variables; ///< the task's `env`
    run_id run_name{"run000000001"};
    std::string name_of_task = "task";
    item_index item_position{0};
    attempt_number attempt_count{1};
    launch_token launch_name{"potoo-run000000001-task"};
    launch_token group_name{"potoo-run000000001-group"};
    steady_time due = steady_time::max();
    double next_random = 0.5;
    std::string next_uuid = "00000000-0000-8000-8000-000000000001";
    std::vector<std::pair<std::string, json::value>> history; ///< results of steps recorded before, in order
    std::map<std::string, json::value, std::less<>> answers;  ///< what callbacks are completed with, by name
    std::set<std::string, std::less<>> hanging_facts;         ///< names of facts that never become durable
    cancel_reason stop = cancel_reason::none;                 ///< why it was told to stop

    // What the operator did.
    std::vector<std::string> lines;                            ///< by `log`
    std::string standard_output;                               ///< by `log_output`
    std::string standard_error;                                ///< by `log_output`
    std::vector<std::pair<double, std::string>> progress_said; ///< by `progress`
    std::map<std::string, json::value> published;              ///< by `publish`
    std::vector<std::pair<std::string, json::value>> facts;    ///< by `record` and `step`
    std::vector<std::string> unconfirmed;                      ///< by `mark_unconfirmed`
    bool slot_released = false;
    std::vector<std::string> callbacks; ///< names of those opened
    std::vector<task<>> handlers;       ///< by `on_cancel`
    std::vector<std::string> concealed; ///< by `conceal`
    bool token_claimed = false;         ///< by `claim_token`
    int deferrals = 0;                  ///< how many times it was deferred
    bool deferred = false;              ///< it is deferred now

    [[nodiscard]] const json::object& input() const noexcept override { return input_; }

    [[nodiscard]] std::optional<value_template> late(std::string_view property) const override
    {
        const auto found = late_.find(property);
        return found == late_.end() ? std::nullopt : std::optional(found->second);
    }

    [[nodiscard]] attempt_names names() const override { return attempt_names(names_); }

    [[nodiscard]] const run_id& run() const noexcept override { return run_name; }

    [[nodiscard]] std::string_view task_name() const noexcept override { return name_of_task; }

    [[nodiscard]] item_index item() const noexcept override { return item_position; }

    [[nodiscard]] attempt_number attempt() const noexcept override { return attempt_count; }

    [[nodiscard]] launch_token token() const override { return launch_name; }

    [[nodiscard]] launch_token group_token() const override { return group_name; }

    void conceal(std::string secret) override { concealed.push_back(std::move(secret)); }

    [[nodiscard]] std::span<const std::pair<std::string, std::string>> environment() const noexcept override
    {
        return variables;
    }

    [[nodiscard]] const json::object* connection(std::string_view name) override
    {
        const auto found = connections.find(name);
        return found == connections.end() ? nullptr : &found->second;
    }

    [[nodiscard]] steady_time deadline() const noexcept override { return due; }

    [[nodiscard]] potoo::loop& loop() noexcept override { return loop_; }

    [[nodiscard]] http_client& http() noexcept override { return *client; }

    [[nodiscard]] process_runner& processes() noexcept override { return *runner; }

    void log(std::string_view line) override { lines.emplace_back(line); }

    void log_output(output_stream stream, std::string_view piece) override
    {
        (stream == output_stream::standard_output ? standard_output : standard_error) += piece;
    }

    void progress(double fraction, std::string_view message) override { progress_said.emplace_back(fraction, message); }

    void publish(std::string_view name, json::value value) override
    {
        published.insert_or_assign(std::string(name), std::move(value));
    }

    [[nodiscard]] task<> sleep_until(std::string, wall_time t) override { return do_sleep(*this, t); }

    [[nodiscard]] task<wall_time> now() override { return value_of(loop_.wall_now()); }

    [[nodiscard]] task<std::string> uuid() override { return value_of(next_uuid); }

    [[nodiscard]] task<double> random() override { return value_of(next_random); }

    [[nodiscard]] task<open_callback> callback(std::string name, json::value) override
    {
        callbacks.push_back(name);
        std::string callback_token = run_name.value() + "." + name;
        return value_of(open_callback(std::move(name), std::move(callback_token)));
    }

    [[nodiscard]] task<json::value> completion(open_callback c, duration) override
    {
        const auto found = answers.find(c.name());
        if (found == answers.end())
            throw std::logic_error("the test has no answer for the callback " + c.name());
        return value_of(found->second);
    }

    void release_slot() override { slot_released = true; }

    void on_cancel(task<> handler) override { handlers.push_back(std::move(handler)); }

    [[nodiscard]] task<json::value> step(std::string name, task<json::value> work) override
    {
        return do_step(*this, std::move(name), std::move(work));
    }

    [[nodiscard]] std::optional<json::value> recorded(std::string_view name) override
    {
        const auto found =
            std::find_if(history.rbegin(), history.rend(), [&](const auto& f) { return f.first == name; });
        return found == history.rend() ? std::nullopt : std::optional(found->second);
    }

    [[nodiscard]] task<> record(std::string name, json::value fact) override
    {
        return do_record(*this, std::move(name), std::move(fact));
    }

    [[nodiscard]] launch_token claim_token() override
    {
        if (std::exchange(token_claimed, true))
            throw fatal("a second remote job in one attempt", "second_launch");
        return launch_name;
    }

    [[nodiscard]] cancel_reason stop_requested() const noexcept override { return stop; }

    void mark_unconfirmed(std::string_view why) override { unconfirmed.emplace_back(why); }

  private:
    void take_with(json::object with)
    {
        for (const auto& name : entry_->late) {
            const auto* found = with.if_contains(name);
            if (!found)
                continue;
            late_.emplace(name, value_template::compile_all(*found, known_names_));
            with.erase(name);
        }
        std::string problems;
        for (const auto& message : graph::check_with(*entry_, with))
            problems += message + "\n";
        if (!problems.empty())
            throw std::invalid_argument(problems);
        input_ = std::move(with);
    }

    void set_deferred(bool now) override
    {
        deferred = now;
        deferrals += now ? 1 : 0;
    }

    [[nodiscard]] std::shared_ptr<void>& shared_slot(std::type_index type, const std::string& key) override
    {
        return (*shared)[{type, key}];
    }

    [[nodiscard]] std::shared_ptr<const void>* task_slot(std::type_index type) override { return &of_task_[type]; }

    template <class T>
    static task<T> value_of(T value)
    {
        co_return value;
    }

    static task<> do_sleep(fake_context& self, wall_time t)
    {
        const deferral waits(self);
        co_await sleep_for(std::max(t - self.loop_.wall_now(), duration{0}));
    }

    static task<json::value> do_step(fake_context& self, std::string name, task<json::value> work)
    {
        if (self.replayed_ < self.history.size()) {
            const auto& [recorded_name, result] = self.history[self.replayed_++];
            if (recorded_name != name)
                throw fatal("the step " + name + " was recorded as " + recorded_name);
            co_return result;
        }
        json::value result = co_await std::move(work);
        self.facts.emplace_back(std::move(name), result);
        co_return result;
    }

    static task<> do_record(fake_context& self, std::string name, json::value fact)
    {
        const bool hangs = self.hanging_facts.contains(name);
        self.facts.emplace_back(std::move(name), std::move(fact));
        if (hangs)
            co_await potoo::sleep_until(steady_time::max());
    }

    const operator_entry* entry_;
    potoo::loop& loop_;
    json::object input_;
    expression_names known_names_;
    std::map<std::string, value_template, std::less<>> late_;
    std::deque<std::pair<std::string, json::value>> bound_values_;
    bindings names_;
    std::map<std::type_index, std::shared_ptr<const void>> of_task_;
    std::size_t replayed_ = 0;
};

/// A task that a test started and looks at from outside.
template <class T>
class started_task final : public execution
{
  public:
    started_task(potoo::loop& l, task<T> t) : execution(l, l.intern("test")), task_(std::move(t))
    {
        task_access<T>::start(task_, *this);
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// The value, or the exception, of the ended task.
    T take() { return task_access<T>::result(task_).take(); }

  private:
    void on_end() noexcept override { ended_ = true; }

    task<T> task_;
    bool ended_ = false;
};

/// A real loop: time and I/O are those of the machine.
struct operator_fixture
{
    boost::asio::io_context context{1};
    real_loop loop{context};

    template <class T>
    T run(task<T> t)
    {
        started_task<T> e(loop, std::move(t));
        return finish(e);
    }

    /// Runs the loop until the task has ended.
    template <class T>
    T finish(started_task<T>& e)
    {
        context.restart();
        while (!e.ended() && context.run_one() != 0) {}
        if (!e.ended())
            throw std::logic_error("the task waits for ever");
        return e.take();
    }
};

} // namespace potoo::test
