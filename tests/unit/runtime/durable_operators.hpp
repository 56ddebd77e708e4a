#pragma once
// Operators that journal, and the world that they change: it outlives engines.

#include "tests/unit/runtime/test_engine.hpp"

#include "tests/unit/remote/repeated_look.hpp"

#include <potoo/backend.hpp>

#include <map>
#include <string>
#include <vector>

namespace potoo::test {

struct world
{
    struct job
    {
        int polls_left = 5;
        bool cancelled = false;
    };

    std::vector<std::string> effects; ///< each time that one was done
    std::vector<std::string> undone;  ///< by `on_cancel` handlers, in order
    std::map<std::string, job> jobs;  ///< by `where`, a slash and the launch token
    std::vector<std::string> seen;    ///< what an operator wants to tell
    std::string callback_token;
    int submissions = 0;
    bool cancel_is_dead = false;

    [[nodiscard]] std::size_t running_jobs() const
    {
        return static_cast<std::size_t>(std::count_if(
            jobs.begin(), jobs.end(), [](const auto& j) { return j.second.polls_left > 0 && !j.second.cancelled; }));
    }
};

inline world& the_world()
{
    static world w;
    return w;
}

inline std::string where(context& ctx)
{
    const json::value* w = ctx.input().if_contains("where");
    return w && w->is_string() ? std::string(w->get_string()) : w ? json::serialize(*w) : std::string("here");
}

class world_backend final : public backend
{
  public:
    explicit world_backend(std::string place) : place_(std::move(place)) {}

    task<job_id> submit(context&, const launch_token& token) override
    {
        ++the_world().submissions;
        co_await sleep_for(std::chrono::milliseconds(10));
        the_world().jobs.try_emplace(place_ + "/" + token.value());
        co_return job_id(place_ + "/" + token.value());
    }

    task<std::optional<job_id>> find(context&, const launch_token& token) override
    {
        co_await sleep_for(std::chrono::milliseconds(10));
        const std::string id = place_ + "/" + token.value();
        if (!the_world().jobs.contains(id))
            co_return std::nullopt;
        co_return job_id(id);
    }

    leaf& begin_wait(context& ctx, const job_id& id) override
    {
        result_ = {};
        return wait_.emplace(ctx.loop().now() + std::chrono::seconds(1), [this, &ctx, &id] { return look(ctx, id); });
    }

    job_result end_wait() override
    {
        wait_->await_resume();
        return result_;
    }

    task<> cancel(context&, const job_id& id) override
    {
        co_await sleep_for(std::chrono::milliseconds(10));
        if (the_world().cancel_is_dead)
            throw failure("no answer to the cancellation");
        the_world().jobs.at(std::string(id.value())).cancelled = true;
    }

    bool can_find() const noexcept override { return true; }

  private:
    /// @return when to look again; nothing at the end
    std::optional<steady_time> look(context& ctx, const job_id& id)
    {
        const auto j = the_world().jobs.find(std::string(id.value()));
        if (j == the_world().jobs.end())
            result_.ended = job_result::state::lost;
        else if (j->second.cancelled)
            result_.ended = job_result::state::cancelled;
        else if (--j->second.polls_left > 0)
            return ctx.loop().now() + std::chrono::seconds(1);
        result_.output = json::string("job done");
        return std::nullopt;
    }

    std::string place_;
    job_result result_;
    std::optional<repeated_look> wait_;
};

/// Takes `seconds`, then has its effect.
inline task<json::value> change(std::string what, int seconds = 0)
{
    if (seconds > 0)
        co_await sleep_for(std::chrono::seconds(seconds));
    the_world().effects.push_back(what);
    co_return json::value(json::string(what + " done"));
}

inline task<> undo(std::string what, int seconds = 0)
{
    if (seconds > 0)
        co_await sleep_for(std::chrono::seconds(seconds));
    the_world().undone.push_back(what);
}

inline void tell(std::string what)
{
    the_world().seen.push_back(std::move(what));
}

inline task<json::value> run_job(context& ctx)
{
    world_backend b(where(ctx));
    auto output = co_await run_remote_job(ctx, b);
    co_return output;
}

/// An engine whose world is new.
struct durable_engine : engine
{
    durable_engine() { the_world() = {}; }

    /// Registers an operator for tests, once.
    static void add(const char* name, task<json::value> (*body)(potoo::context&))
    {
        if (!test_operators().find(name))
            test_operators().add(name, body, {.summary = "For tests."});
    }

    static std::string dag_of(const std::string& name, const std::string& more = "")
    {
        return "tasks:\n  a: {operator: " + name + more + "}\n";
    }

    [[nodiscard]] std::string state() { return std::string(to_string(executor->machine().state_of(task_index(0)))); }

    /// `class code` of the last failure.
    [[nodiscard]] std::string last_error()
    {
        if (observer.errors.empty())
            return "none";
        const json::object& e = observer.errors.back();
        const json::value* code = e.if_contains("code");
        return std::string(e.at("class").as_string()) + (code ? " " + std::string(code->as_string()) : "");
    }

    [[nodiscard]] std::string last_message()
    {
        return observer.errors.empty() ? "" : std::string(observer.errors.back().at("message").as_string());
    }
};

} // namespace potoo::test
