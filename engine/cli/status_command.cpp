#include "engine/cli/commands.hpp"
#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/text_width.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_following.hpp"
#include "engine/cli/run_source.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace potoo::cli {

namespace {

struct status_arguments
{
    std::string run;
    std::string task;
    target_options target;
    bool watch = false;
    bool json = false;
};

std::string note_of(const json::object& t)
{
    std::string out = number_in(t, "items") != 1 ? counts_text(object_in(t, "counts")) : "";
    const json::value* error = t.if_contains("error");
    if (error && !error->is_null() && text_in(t, "state") != "success")
        out += (out.empty() ? "" : "; ") + error_text(*error);
    return out;
}

std::string head_text(const json::object& r, const std::string& obstacle)
{
    std::string state = text_in(r, "state");
    if (!obstacle.empty())
        state += ", but " + obstacle;
    std::string out =
        fmt::format("run      {}\ndag      {}\nstate    {}\n", text_in(r, "run"), text_in(r, "dag"), state);
    out += fmt::format("created  {} UTC\n", instant_in(r, "created"));
    if (const std::string due = scheduled_text(r); !due.empty())
        out += fmt::format("due      {} UTC\n", due);
    if (const std::string from = printable(origin_text(r)); !from.empty())
        out += fmt::format("from     {}\n", from);
    if (const std::string took = took_text(r); !took.empty())
        out += fmt::format("took     {}\n", took);
    if (const auto& params = object_in(r, "params"); !params.empty())
        out += fmt::format("params   {}\n", json::serialize(params));
    return out;
}

std::string tasks_text(const json::array& tasks)
{
    table t({{"TASK"},
             {"STATE"},
             {"ITEMS", table::align::right},
             {"ATTEMPTS", table::align::right},
             {"TOOK", table::align::right},
             {"NOTE"}});
    for (const json::value& v : tasks) {
        const json::object& row = v.as_object();
        t.add({text_in(row, "task"), text_in(row, "state"), fmt::format("{}", number_in(row, "items")),
               fmt::format("{}", number_in(row, "attempts")), took_text(row), note_of(row)});
    }
    return table_text(t);
}

std::string loose_text(const json::array& jobs)
{
    if (jobs.empty())
        return {};
    table t({{"RUN"}, {"TASK"}, {"ITEM", table::align::right}, {"ATTEMPT", table::align::right}, {"TOKEN"}, {"WHY"}});
    for (const json::value& v : jobs) {
        const json::object& j = v.as_object();
        const json::value* why = j.if_contains("why");
        t.add({text_in(j, "run"), text_in(j, "task"), fmt::format("{}", number_in(j, "item")),
               fmt::format("{}", number_in(j, "attempt")), text_in(j, "token"),
               why && !why->is_null() ? error_text(*why) : ""});
    }
    return fmt::format("\nremote jobs that may run still, for nothing has confirmed their end (potoo resume sees to "
                       "them):\n{}",
                       table_text(t));
}

void show_run(run_source& source, const json::object& run, bool as_json)
{
    if (as_json)
        return print_json(run);
    const bool over = run.contains("ended");
    print_text(head_text(run, over ? "" : source.obstacle(run)) + '\n' + tasks_text(list_in(run, "tasks")) +
               loose_text(list_in(run, "unconfirmed")));
}

std::string attempts_text(const json::array& attempts)
{
    table t({{"ITEM", table::align::right},
             {"KEY"},
             {"ATTEMPT", table::align::right},
             {"STATE"},
             {"TOOK", table::align::right},
             {"OUTPUT OR ERROR"}});
    for (const json::value& v : attempts) {
        const json::object& a = v.as_object();
        const json::value* output = a.if_contains("output");
        const json::value* error = a.if_contains("error");
        const bool took = a.contains("elapsed_ms");
        t.add({fmt::format("{}", number_in(a, "item")), text_in(a, "key"), fmt::format("{}", number_in(a, "attempt")),
               text_in(a, "state"),
               took ? elapsed_text(duration(static_cast<duration::rep>(number_in(a, "elapsed_ms")))) : "",
               output  ? json::serialize(*output)
               : error ? error_text(*error)
                       : ""});
    }
    return table_text(t);
}

void show_task(const std::string& run, const json::object& task, bool as_json)
{
    if (as_json)
        return print_json(task);
    std::string text =
        fmt::format("run      {}\ntask     {}\nstate    {}\n", run, text_in(task, "task"), text_in(task, "state"));
    if (number_in(task, "items") != 1)
        text += fmt::format("items    {}\n", counts_text(object_in(task, "counts")));
    if (const auto& attempts = list_in(task, "attempt_list"); !attempts.empty())
        text += '\n' + attempts_text(attempts);
    print_text(text);
}

/// As it stands now, what happens, and as it stands in the end.
exit_code watch(run_source& source, const json::object& run, bool as_json)
{
    const auto show = [&](const json::object& document) {
        if (!as_json)
            show_run(source, document, false);
    };
    return follow_run(source, run, as_json, [&] { show(run); }, show);
}

exit_code status(const status_arguments& a)
{
    if (a.watch && !a.task.empty())
        throw usage_error("-w watches a whole run: leave TASK out");
    const auto source = open_source(a.target);
    const json::object run = source->run(a.run);
    if (a.watch)
        return watch(*source, run, a.json);
    if (a.task.empty())
        show_run(*source, run, a.json);
    else
        show_task(text_in(run, "run"), source->task(text_in(run, "run"), a.task), a.json);
    return exit_code::success;
}

} // namespace

void add_status_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<status_arguments>();
    CLI::App* c = app.add_subcommand("status", "Show how a run stands, with its tasks");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`, or nothing: the latest")
        ->type_name("");
    c->add_option("TASK", a->task, "Show the attempts of this task")->type_name("");
    c->add_flag("-w,--watch", a->watch, "Tell what happens until the run has ended; the exit code says how it was");
    add_target_options(*c, a->target);
    add_format_option(*c, a->json);
    c->footer("Ctrl-C ends the watching, not the run.\n"
              "Examples:\n"
              "  potoo status\n"
              "  potoo status k3v9 align\n"
              "  potoo status k3v9 -w --server http://127.0.0.1:8080\n"
              "  potoo status -o json | jq .state");
    c->callback([a, &chosen] { chosen = [a] { return status(*a); }; });
}

} // namespace potoo::cli
