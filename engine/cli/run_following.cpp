#include "engine/cli/run_following.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/text_width.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/stop_signals.hpp"

#include <fmt/format.h>

#include <set>

namespace potoo::cli {

namespace {

/// Lines as `potoo run` writes them without a terminal.
class event_lines
{
  public:
    explicit event_lines(const json::object& run)
        : began_(time_in(run, "started").value_or(time_in(run, "created").value_or(wall_time{})))
    {
        const json::value* tasks = run.if_contains("tasks");
        if (!tasks || !tasks->is_array())
            return;
        for (const json::value& t : tasks->get_array()) {
            if (t.is_object() && number_in(t.get_object(), "attempts") > 0)
                running_.insert(text_in(t.get_object(), "task"));
            if (t.is_object() && number_in(t.get_object(), "items") > 1)
                of_items_.insert(text_in(t.get_object(), "task"));
        }
    }

    /// Empty for what needs no line.
    [[nodiscard]] std::string line(const json::object& event)
    {
        if (text_in(event, "type") == "task_evaluated" && number_in(event, "items") > 1)
            of_items_.insert(text_in(event, "task"));
        const std::string text = text_of(event);
        if (text.empty())
            return {};
        const auto at = time_in(event, "at");
        return fmt::format("[{}] {}\n", at ? elapsed_text(*at - began_) : "?", printable(text));
    }

  private:
    std::string text_of(const json::object& e)
    {
        const std::string type = text_in(e, "type");
        const std::string task = text_in(e, "task");
        const std::string state = text_in(e, "state");
        const auto attempt = number_in(e, "attempt");
        if (type == "task_ended")
            return fmt::format("{}: {}", task, state);
        if (type == "attempt_started" && attempt > 1)
            return fmt::format("{}: running (attempt {})", name_of(e), attempt);
        if (type == "attempt_started")
            return running_.insert(task).second ? task + ": running" : "";
        if (type == "attempt_ended" && state != "success" && state != "skipped")
            return fmt::format("{} {} (attempt {}){}", name_of(e), state, attempt, error_of(e));
        if (type == "cancel_requested")
            return fmt::format("{}: cancelling", task.empty() ? "run" : task);
        if (type == "paused" || type == "resumed")
            return fmt::format("run: {}", type == "paused" ? "paused" : "goes on");
        if (type == "warning")
            return fmt::format("warning: {}",
                               text_in(e, "message").empty() ? text_in(e, "text") : text_in(e, "message"));
        return {};
    }

    [[nodiscard]] std::string name_of(const json::object& e) const
    {
        const std::string task = text_in(e, "task");
        const auto item = number_in(e, "item");
        return item == 0 && !of_items_.contains(task) ? task : fmt::format("{}[{}]", task, item);
    }

    static std::string error_of(const json::object& e)
    {
        const json::value* error = e.if_contains("error");
        return error && !error->is_null() ? ": " + error_text(*error) : "";
    }

    wall_time began_;
    std::set<std::string> running_;  ///< tasks that have been said to run
    std::set<std::string> of_items_; ///< tasks of several items
};

} // namespace

void tell_stopped(const run_source& source, const std::string& run, int signal)
{
    report_text(fmt::format("{}: the run goes on without this command. How it goes: {}\n", signal_name(signal),
                            source.command("status", run)));
}

exit_code follow_run(run_source& source, const json::object& run, bool as_json, const std::function<void()>& at_begin,
                     const std::function<void(const json::object&)>& at_end)
{
    const std::string id = text_in(run, "run");
    event_lines lines(run);
    const auto show = [&](const json::object& event) {
        if (as_json)
            return print_json(event);
        if (const std::string line = lines.line(event); !line.empty())
            print_text(line);
    };
    followed_end end{true, text_in(run, "state"), 0};
    if (!run.contains("ended"))
        end = source.follow(id, show, at_begin);
    if (end.signal != 0)
        tell_stopped(source, id, end.signal);
    const json::object last = end.ended ? source.run(id) : run;
    if (end.ended)
        at_end(last);
    else if (const std::string why = end.signal == 0 ? source.obstacle(last) : ""; !why.empty())
        report_text(fmt::format("The run has not ended, but {}\n", why));
    return end.ended ? exit_code_of_state(end.state) : exit_code::interrupted;
}

} // namespace potoo::cli
