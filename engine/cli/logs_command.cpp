#include "engine/cli/commands.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/error_report.hpp"
#include "engine/cli/run_documents.hpp"
#include "engine/cli/run_following.hpp"
#include "engine/cli/run_source.hpp"
#include "engine/cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include <unistd.h>

namespace potoo::cli {

namespace {

/// What is kept to put the pieces of each attempt together; more is read once for every attempt.
constexpr std::size_t most_kept = 64UL * 1024 * 1024;

struct logs_arguments
{
    log_wish wish;
    target_options target;
    bool follow = false;
};

/// Position of the task in its DAG, item, attempt.
using attempt_key = std::tuple<std::size_t, item_index, attempt_number>;

/// Writes pieces as they come, with a line between attempts.
class log_printer
{
  public:
    log_printer(output& out, bool headings) : out_(out), headings_(headings) {}

    void put(const log_piece& p)
    {
        const bool same = p.task == task_ && p.item == item_ && p.attempt == attempt_;
        if (headings_ && !same) {
            out_.write(fmt::format("{}==> {} item {} attempt {} <==\n", at_line_start_ ? "" : "\n", p.task,
                                   p.item.value(), p.attempt.value()));
            at_line_start_ = true;
        }
        task_ = p.task;
        item_ = p.item;
        attempt_ = p.attempt;
        out_.write(p.text);
        if (!p.text.empty())
            at_line_start_ = p.text.back() == '\n';
    }

    void end()
    {
        if (!at_line_start_)
            out_.write("\n");
        out_.flush();
    }

  private:
    output& out_;
    bool headings_;
    std::string task_;
    item_index item_;
    attempt_number attempt_;
    bool at_line_start_ = true;
};

/// Which attempts have logged, and what, as long as it is not too much to be kept.
class gathered_logs
{
  public:
    explicit gathered_logs(std::vector<std::string> tasks) : tasks_(std::move(tasks)) {}

    void add(const log_piece& p)
    {
        const auto task = std::find(tasks_.begin(), tasks_.end(), p.task) - tasks_.begin();
        std::string& text = texts_[{static_cast<std::size_t>(task), p.item, p.attempt}];
        size_ += p.text.size();
        if (all_kept())
            text += p.text;
    }

    [[nodiscard]] bool all_kept() const noexcept { return size_ <= most_kept; }

    [[nodiscard]] const std::map<attempt_key, std::string>& by_attempt() const noexcept { return texts_; }

    [[nodiscard]] std::string name_of(std::size_t task) const { return task < tasks_.size() ? tasks_[task] : "?"; }

  private:
    std::vector<std::string> tasks_;
    std::map<attempt_key, std::string> texts_;
    std::size_t size_ = 0;
};

exit_code print(run_source& source, const log_wish& wish)
{
    file_output out(STDOUT_FILENO);
    gathered_logs gathered(source.tasks(wish.run));
    source.logs(wish, [&](const log_piece& p) {
        gathered.add(p);
        return true;
    });
    log_printer printer(out, gathered.by_attempt().size() > 1);
    for (const auto& [key, text] : gathered.by_attempt()) {
        const auto& [task, item, attempt] = key;
        if (gathered.all_kept()) {
            printer.put({gathered.name_of(task), item, attempt, text});
            continue;
        }
        log_wish one = wish;
        one.task = gathered.name_of(task);
        one.item = fmt::format("{}", item.value());
        one.attempt = attempt.value();
        source.logs(one, [&](const log_piece& p) {
            printer.put(p);
            return true;
        });
    }
    printer.end();
    if (gathered.by_attempt().empty())
        report_text("Nothing was logged.\n");
    return exit_code::success;
}

exit_code follow(run_source& source, const log_wish& wish)
{
    file_output out(STDOUT_FILENO);
    log_printer printer(out, wish.task.empty() || wish.item.empty() || wish.attempt == 0);
    const followed_end end = source.follow_logs(
        wish,
        [&](const log_piece& p) {
            printer.put(p);
            return true;
        },
        [&] { out.flush(); });
    printer.end();
    if (end.signal == 0)
        return exit_code::success;
    tell_stopped(source, wish.run, end.signal);
    return exit_code::interrupted;
}

exit_code logs(logs_arguments a)
{
    if (!a.wish.item.empty() && a.wish.task.empty())
        throw usage_error("--item needs a TASK");
    const auto source = open_source(a.target);
    a.wish.run = text_in(source->run(a.wish.run), "run");
    return a.follow ? follow(*source, a.wish) : print(*source, a.wish);
}

} // namespace

void add_logs_command(CLI::App& app, command_action& chosen)
{
    auto a = std::make_shared<logs_arguments>();
    CLI::App* c = app.add_subcommand("logs", "Print what attempts have logged");
    c->add_option("RUN", a->wish.run, "Id of the run, or its first characters; `last`, or nothing: the latest")
        ->type_name("");
    c->add_option("TASK", a->wish.task, "Only this task")->type_name("");
    c->add_option("--item", a->wish.item, "Only this item: its position from 0, or its key")->type_name("N|KEY");
    c->add_option("--attempt", a->wish.attempt, "Only this attempt, counted from 1")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    c->add_flag("-f,--follow", a->follow, "Go on printing until the run has ended; Ctrl-C ends the printing only");
    add_target_options(*c, a->target);
    c->footer("Examples:\n"
              "  potoo logs k3v9 align --item 17\n"
              "  potoo logs last align\n"
              "  potoo logs -f\n"
              "  potoo logs k3v9 -f --server http://127.0.0.1:8080");
    c->callback([a, &chosen] { chosen = [a] { return logs(*a); }; });
}

} // namespace potoo::cli
