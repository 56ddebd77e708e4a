#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/request_outcome.hpp"
#include "engine/cli/run_canceller.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/server_runs.hpp"

#include <potoo/json.hpp>

#include <fmt/format.h>

#include <map>
#include <utility>

namespace potoo::cli {

using host::request_result;

namespace {

bool is_final(std::string_view state)
{
    return state == "success" || state == "failed" || state == "timed_out" || state == "cancelled" ||
           state == "skipped" || state == "upstream_failed";
}

class server_canceller final : public run_canceller
{
  public:
    explicit server_canceller(std::unique_ptr<server_client> server) : server_(std::move(server)) {}

    std::vector<run_to_cancel> all() override;
    run_to_cancel find(const std::string& named, const std::vector<std::string>& tasks) override;
    request_result ask(const run_id& run, const std::vector<std::string>& tasks) override;

    /// The waiting does.
    void expect_signals() override {}

    cancelled_end wait(const run_to_cancel& run, const std::vector<std::string>& tasks) override;

    std::string where() const override { return "at " + server_->access().url; }

    std::string command(std::string_view verb, const std::string& run) const override
    {
        return server_command(*server_, verb, run);
    }

    /// The server sees to them.
    std::string unconfirmed_notes(const run_to_cancel&, std::size_t) const override { return {}; }

  private:
    /// The state that all items of a task have come to; empty = some have not ended.
    [[nodiscard]] std::string end_of(const run_to_cancel& run, const std::string& task);
    [[nodiscard]] cancelled_end wait_for_tasks(const run_to_cancel& run, const std::vector<std::string>& tasks);
    [[nodiscard]] std::size_t deferred_of(const std::string& run);

    std::unique_ptr<server_client> server_;
};

std::size_t server_canceller::deferred_of(const std::string& run)
{
    std::size_t n = 0;
    for (const json::value& t : server_list(*server_, api_path({"runs", run, "tasks"}))) {
        const json::value* counts = t.as_object().if_contains("counts");
        n += counts && counts->is_object() ? number_in(counts->get_object(), "deferred") : 0;
    }
    return n;
}

std::vector<run_to_cancel> server_canceller::all()
{
    api_path path({"runs"});
    std::vector<run_to_cancel> out;
    for (const json::value& r : server_list(*server_, path.with("unfinished", "true"))) {
        const std::string id = text_in(r.as_object(), "run");
        out.push_back({run_id(id), text_in(r.as_object(), "dag"), deferred_of(id)});
    }
    return out;
}

run_to_cancel server_canceller::find(const std::string& named, const std::vector<std::string>& tasks)
{
    const json::object run = find_server_run(*server_, named, true);
    const std::string id = text_in(run, "run");
    for (const std::string& t : tasks)
        static_cast<void>(server_->get(api_path({"runs", id, "tasks", t})));
    return {run_id(id), text_in(run, "dag"), deferred_of(id)};
}

request_result server_canceller::ask(const run_id& run, const std::vector<std::string>& tasks)
{
    json::object wish;
    if (!tasks.empty())
        wish["tasks"] = json::value_from(tasks);
    try {
        return ask_about_run(*server_, run.value(), "cancel", wish);
    } catch (const server_error& e) {
        constexpr unsigned conflict = 409;
        if (e.status() != conflict)
            throw;
        const json::value now = server_->get(api_path({"runs", run.value()}));
        const json::object document = now.is_object() ? now.get_object() : json::object();
        const std::string state = text_in(document, "state");
        if (!document.contains("ended"))
            throw;
        return {request_result::kind::ended, run, state, fmt::format("run {} has ended ({})", run.value(), state),
                true};
    }
}

std::string server_canceller::end_of(const run_to_cancel& run, const std::string& task)
{
    const json::value now = server_->get(api_path({"runs", run.id.value(), "tasks", task}));
    const std::string state = now.is_object() ? text_in(now.get_object(), "state") : "";
    return is_final(state) ? state : "";
}

cancelled_end server_canceller::wait_for_tasks(const run_to_cancel& run, const std::vector<std::string>& tasks)
{
    const std::string since = event_cursor(*server_);
    std::map<std::string, std::string> ends;
    for (const std::string& t : tasks)
        ends[t] = end_of(run, t);
    const auto all_ended = [&] {
        for (const auto& [task, state] : ends)
            if (state.empty())
                return false;
        return true;
    };
    const auto visit = [&](const json::object& e) {
        const auto task = ends.find(text_in(e, "task"));
        if (text_in(e, "type") == "task_ended" && task != ends.end())
            task->second = text_in(e, "state");
    };
    const followed_end end = follow_server_run(*server_, run.id.value(), visit, {since, {}, all_ended});
    // The run may have ended before it was followed.
    for (auto& [task, state] : ends)
        if (state.empty() && end.ended)
            state = end_of(run, task);
    cancelled_end out{all_ended() || end.ended, "success", end.signal, 0};
    for (const auto& [task, state] : ends) {
        if (state.empty())
            continue;
        const auto code = exit_code_of_state(state);
        if (worse_of(code, exit_code_of_state(out.state)) != exit_code_of_state(out.state))
            out.state = state;
    }
    return out;
}

cancelled_end server_canceller::wait(const run_to_cancel& run, const std::vector<std::string>& tasks)
{
    if (!tasks.empty())
        return wait_for_tasks(run, tasks);
    const followed_end end = follow_server_run(*server_, run.id.value(), [](const json::object&) {});
    return {end.ended, end.state, end.signal, 0};
}

} // namespace

std::unique_ptr<run_canceller> open_server_canceller(std::unique_ptr<server_client> server)
{
    return std::make_unique<server_canceller>(std::move(server));
}

std::unique_ptr<run_canceller> open_canceller(const target_options& t)
{
    if (auto server = server_of(t))
        return open_server_canceller(std::move(server));
    return open_state_canceller(state_of(t));
}

} // namespace potoo::cli
