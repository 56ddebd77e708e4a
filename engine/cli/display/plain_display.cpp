#include "engine/cli/display/plain_display.hpp"

#include "engine/cli/display/elapsed_text.hpp"

#include <fmt/format.h>

namespace potoo::cli {

bool plain_display::tells_tasks(const shown_run& run) const
{
    return run.dag().tasks.size() <= tasks_told_singly;
}

void plain_display::say(const shown_run& run, std::string_view text)
{
    const std::string who = runs_.size() > 1 ? run.id.value() + " " : "";
    out_.write(fmt::format("[{}] {}{}\n", elapsed_text(run.elapsed()), who, text));
}

void plain_display::run_started(const shown_run& run)
{
    followed& f = runs_[&run];
    f.told_ended = ended_of(run.machine->item_totals());
    const auto tasks = run.dag().tasks.size();
    say(run, fmt::format("{}: run {} {}, {} task{}", run.dag().name, run.id.value(),
                         run.resumed ? "goes on" : "started", tasks, tasks == 1 ? "" : "s"));
}

void plain_display::attempt_started(const shown_run& run, task_index t, item_index, attempt_number n)
{
    const bool first = runs_.at(&run).begun.insert(t.value()).second;
    if (!tells_tasks(run))
        return;
    const auto& spec = run.dag()[t];
    if (first && spec.foreach)
        say(run, fmt::format("{}: running, {} items", spec.name, run.machine->item_count(t)));
    else if (!spec.foreach)
        say(run, n.value() > 1 ? fmt::format("{}: running (attempt {})", spec.name, n.value())
                               : fmt::format("{}: running", spec.name));
}

void plain_display::attempt_deferred(const shown_run&, task_index, item_index, bool) {}

void plain_display::attempt_progress(const shown_run&, task_index, item_index, double, std::string_view) {}

void plain_display::attempt_ended(const shown_run& run, const runtime::attempt_report& report)
{
    if (const auto note = runs_.at(&run).failures.note(run, report)) {
        say(run, std::string_view(*note).substr(0, note->find('\n')));
        out_.write(std::string_view(*note).substr(note->find('\n') + 1));
    }
}

void plain_display::task_ended(const shown_run& run, task_index t, schedule::task_state state)
{
    if (!tells_tasks(run))
        return;
    const auto& spec = run.dag()[t];
    if (spec.foreach && run.machine->item_count(t) > 0)
        say(run, fmt::format("{}: {} ({})", spec.name, to_string(state), counts_text(run.machine->counts(t))));
    else
        say(run, fmt::format("{}: {}", spec.name, to_string(state)));
}

void plain_display::log(const shown_run& run, task_index t, item_index i, attempt_number, journal::log_stream stream,
                        std::string_view text)
{
    runs_.at(&run).failures.log(t, i, stream, text);
}

void plain_display::run_ended(const shown_run& run, const run_report&)
{
    if (const auto untold = runs_.at(&run).failures.untold())
        say(run, fmt::format("and {} more failed attempts", untold));
    runs_.erase(&run);
    out_.flush();
}

void plain_display::warning(std::string_view text)
{
    if (text == last_warning_)
        return;
    last_warning_ = text;
    out_.write(fmt::format("potoo: warning: {}\n", text));
}

void plain_display::notice(std::string_view text)
{
    out_.write(text);
    out_.flush();
}

void plain_display::tick()
{
    for (auto& [run, f] : runs_)
        tell_progress(*run, f);
    out_.flush();
}

void plain_display::tell_progress(const shown_run& run, followed& f)
{
    const duration now = run.elapsed();
    if (now - f.told_at < progress_interval)
        return;
    f.told_at = now;
    const auto& items = run.machine->item_totals();
    const auto ended = ended_of(items);
    // Tasks without items have told of themselves.
    const bool told_already = tells_tasks(run) && items.total() <= tasks_told_singly;
    if (ended == f.told_ended || told_already)
        return;
    f.told_ended = ended;
    say(run, counts_text(items));
}

} // namespace potoo::cli
