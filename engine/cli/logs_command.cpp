#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_lookup.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/journal/state_dir.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <set>
#include <tuple>

#include <poll.h>
#include <unistd.h>

namespace potoo::cli {

namespace {

struct logs_arguments
{
    std::string run;
    std::string task;
    std::string item;
    std::uint32_t attempt = 0;
    std::string state = ".potoo";
    bool follow = false;
};

using attempt_key = std::tuple<task_index, item_index, attempt_number>;

/// Writes chunks as they come, with a line between attempts.
class log_printer
{
  public:
    log_printer(output& out, journal::dag_document dag, bool headings)
        : out_(out), dag_(std::move(dag)), headings_(headings)
    {}

    void put(const journal::log_chunk& c)
    {
        if (const attempt_key key{c.task, c.item, c.attempt}; headings_ && key != last_) {
            out_.write(fmt::format("{}==> {} item {} attempt {} <==\n", at_line_start_ ? "" : "\n",
                                   dag_.tasks.at(c.task.value()), c.item.value(), c.attempt.value()));
            last_ = key;
            at_line_start_ = true;
        }
        out_.write(c.text);
        if (!c.text.empty())
            at_line_start_ = c.text.back() == '\n';
    }

    void end()
    {
        if (!at_line_start_)
            out_.write("\n");
        out_.flush();
    }

  private:
    output& out_;
    journal::dag_document dag_;
    bool headings_;
    attempt_key last_{journal::no_task, journal::no_item, attempt_number(0)};
    bool at_line_start_ = true;
};

/// A position, or a key that attempts were recorded under.
item_index find_item(journal::reader& journal, journal::run_number run, task_index task, const std::string& name)
{
    std::optional<item_index> by_key;
    journal.records(run, journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
        if (r.kind == journal::record_kind::attempt_started && r.task == task && r.name == name)
            by_key = r.item;
        return !by_key;
    });
    if (by_key)
        return *by_key;
    std::uint32_t position = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), position);
    if (error != std::errc() || end != name.data() + name.size())
        throw usage_error(
            fmt::format("no attempt of an item with the key {} was recorded; give its position from 0, or its "
                        "key as `potoo status RUN TASK` shows it",
                        name));
    return item_index(position);
}

std::set<attempt_key> attempts_with_logs(journal::reader& journal, const journal::log_filter& filter)
{
    std::set<attempt_key> found;
    journal.logs(filter, [&](std::uint64_t, const journal::log_chunk& c) {
        found.emplace(c.task, c.item, c.attempt);
        return true;
    });
    return found;
}

exit_code print(journal::reader& journal, const journal::log_filter& filter, const journal::dag_document& dag)
{
    file_output out(STDOUT_FILENO);
    const auto attempts = attempts_with_logs(journal, filter);
    log_printer printer(out, dag, attempts.size() > 1);
    for (const auto& [task, item, attempt] : attempts) {
        journal::log_filter one = filter;
        one.task = task;
        one.item = item;
        one.attempt = attempt;
        journal.logs(one, [&](std::uint64_t, const journal::log_chunk& c) {
            printer.put(c);
            return true;
        });
    }
    printer.end();
    if (attempts.empty())
        report_text("Nothing was logged.\n");
    return exit_code::success;
}

constexpr std::chrono::milliseconds follow_interval{250};

/// Waits for the interval, but no longer than somebody reads what is written.
bool reader_has_gone(std::chrono::milliseconds interval)
{
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, static_cast<int>(interval.count())) > 0 && (output.revents & POLLERR) != 0;
}

/// Until the run has ended, or no engine is at work on it.
exit_code follow(journal::reader& journal, journal::log_filter filter, const journal::dag_document& dag,
                 const journal::run_row& run, const journal::state_layout& layout)
{
    file_output out(STDOUT_FILENO);
    log_printer printer(out, dag, !(filter.task && filter.item && filter.attempt));
    for (;;) {
        // Asked before reading, so that what was written until then is read once more.
        journal::run_filter same;
        same.id_prefix = run.id.value();
        const auto now = journal.runs(same);
        const bool over = now.empty() || now.front().ended || !journal::state_lock::is_held(layout);
        journal.logs(filter, [&](std::uint64_t position, const journal::log_chunk& c) {
            printer.put(c);
            filter.after = position;
            return true;
        });
        if (over)
            break;
        out.flush();
        if (reader_has_gone(follow_interval))
            break;
    }
    printer.end();
    return exit_code::success;
}

exit_code logs(const logs_arguments& a)
{
    const auto journal = open_journal(a.state);
    const auto run = find_run(*journal, a.run, a.state);
    const auto dag = journal->dag_of(run.number);
    journal::log_filter filter;
    filter.run = run.number;
    if (!a.task.empty())
        filter.task = find_task(dag, a.task);
    if (!a.item.empty() && !filter.task)
        throw usage_error("--item needs a TASK");
    if (!a.item.empty())
        filter.item = find_item(*journal, run.number, *filter.task, a.item);
    if (a.attempt > 0)
        filter.attempt = attempt_number(a.attempt);
    if (a.follow)
        return follow(*journal, filter, dag, run, journal::state_layout(a.state));
    return print(*journal, filter, dag);
}

} // namespace

void add_logs_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<logs_arguments>();
    CLI::App* c = app.add_subcommand("logs", "Print what attempts have logged");
    c->add_option("RUN", a->run, "Id of the run, or its first characters; `last`, or nothing: the latest")
        ->type_name("");
    c->add_option("TASK", a->task, "Only this task")->type_name("");
    c->add_option("--item", a->item, "Only this item: its position from 0, or its key")->type_name("N|KEY");
    c->add_option("--attempt", a->attempt, "Only this attempt, counted from 1")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    c->add_flag("-f,--follow", a->follow, "Go on printing until the run has ended");
    add_state_option(*c, a->state);
    c->footer("Examples:\n"
              "  potoo logs k3v9 align --item 17\n"
              "  potoo logs last align\n"
              "  potoo logs -f");
    c->callback([a, &chosen] { chosen = [a] { return logs(*a); }; });
}

} // namespace potoo::cli
