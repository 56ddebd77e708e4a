#include "engine/cli/display/live_picture.hpp"

#include "engine/cli/display/elapsed_text.hpp"
#include "engine/cli/display/styled_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace potoo::cli {

using schedule::task_state;

namespace {

constexpr duration rate_window{5'000};
constexpr std::size_t bar_width = 20;

struct appearance
{
    std::string_view symbol;
    std::string_view ascii;
    style colour;
};

appearance appearance_of(task_state s)
{
    switch (s) {
    case task_state::running:
        return {"▸", ">", style::cyan};
    case task_state::deferred:
        return {"◌", "~", style::blue};
    case task_state::retrying:
        return {"↻", "r", style::yellow};
    case task_state::cancelling:
        return {"▸", ">", style::yellow};
    case task_state::success:
        return {"✓", "+", style::green};
    case task_state::failed:
    case task_state::timed_out:
        return {"✗", "x", style::red};
    case task_state::cancelled:
        return {"⊘", "/", style::yellow};
    case task_state::skipped:
    case task_state::upstream_failed:
        return {"–", "-", style::dim};
    case task_state::pending:
    case task_state::queued:
        break;
    }
    return {"·", ".", style::dim};
}

void add_counts(styled_line& line, const schedule::state_counts& counts)
{
    constexpr std::array order{task_state::running,   task_state::deferred, task_state::cancelling,
                               task_state::retrying,  task_state::failed,   task_state::timed_out,
                               task_state::success,   task_state::skipped,  task_state::upstream_failed,
                               task_state::cancelled, task_state::queued,   task_state::pending};
    bool first = true;
    for (const task_state s : order) {
        if (counts[s] == 0)
            continue;
        if (!first)
            line.add(", ");
        line.add(fmt::format("{} {}", counts[s], to_string(s)), appearance_of(s).colour);
        first = false;
    }
}

std::string bar(std::size_t filled, bool utf8)
{
    std::string out;
    for (std::size_t i = 0; i < bar_width; ++i)
        out += utf8 ? (i < filled ? "█" : "░") : (i < filled ? "#" : ".");
    return out;
}

} // namespace

void live_picture::attempt_started(task_index t, attempt_number n)
{
    const auto [at, is_new] = active_.try_emplace(t.value());
    if (is_new || !run_.dag()[t].foreach)
        at->second = {run_.elapsed(), n.value(), 0, {}};
}

void live_picture::attempt_progress(task_index t, double fraction, std::string_view message)
{
    const auto found = active_.find(t.value());
    if (found == active_.end() || run_.dag()[t].foreach)
        return;
    found->second.fraction = std::clamp(fraction, 0.0, 1.0);
    found->second.message = printable(message, traits_.utf8);
}

void live_picture::attempt_ended(task_index t)
{
    if (const auto found = active_.find(t.value()); found != active_.end())
        found->second.message.clear();
}

void live_picture::task_ended(task_index t, task_state state)
{
    active_.erase(t.value());
    if (state == task_state::failed || state == task_state::timed_out)
        failed_.push_back(t.value());
}

double live_picture::rate()
{
    const duration now = run_.elapsed();
    samples_.push_back({now, ended_of(run_.machine->item_totals())});
    while (samples_.size() > 2 && now - samples_[1].at >= rate_window)
        samples_.pop_front();
    const duration span = now - samples_.front().at;
    const auto done = samples_.back().ended - std::min(samples_.back().ended, samples_.front().ended);
    return span > duration{0} ? done * 1000.0 / static_cast<double>(span.count()) : 0;
}

std::string live_picture::head_line(std::size_t columns)
{
    const std::string dot = traits_.utf8 ? " · " : " - ";
    styled_line line(columns, traits_.colour, traits_.utf8);
    line.add(run_.dag().name, style::bold).add(dot + run_.id.value()).add(dot + clock_text(run_.elapsed()));
    const double per_second = rate();
    if (per_second >= 0.05)
        line.add(dot + fmt::format("{:.{}f}/s", per_second, per_second < 10 ? 1 : 0));
    const auto reason = run_.machine->cancelled_by();
    if (reason != cancel_reason::none)
        line.add(dot).add(fmt::format("being cancelled ({})", to_string(reason)), style::yellow);
    return line.text();
}

std::string live_picture::counts_line(std::size_t columns) const
{
    styled_line line(columns, traits_.colour, traits_.utf8);
    line.add("  ");
    add_counts(line,
               run_.machine->item_totals().total() > 0 ? run_.machine->item_totals() : run_.machine->task_totals());
    return line.text();
}

std::string live_picture::task_line(std::uint32_t t, std::size_t name_width, std::size_t columns) const
{
    const task_index task(t);
    const auto& spec = run_.dag()[task];
    const task_state state = run_.machine->state_of(task);
    const appearance look = appearance_of(state);
    styled_line line(columns, traits_.colour, traits_.utf8);
    line.add("  ").add(traits_.utf8 ? look.symbol : look.ascii, look.colour).add(" ");
    line.add(fit_padded(spec.name, name_width, traits_.utf8)).add("  ");
    const auto counts = run_.machine->counts(task);
    if (spec.foreach && counts.total() > 0) {
        const auto ended = ended_of(counts);
        line.add(bar(std::size_t{ended} * bar_width / counts.total(), traits_.utf8), look.colour);
        line.add(fmt::format("  {}/{}  ", ended, counts.total()));
        add_counts(line, counts);
        return line.text();
    }
    line.add(to_string(state), look.colour);
    const auto found = active_.find(t);
    if (found == active_.end())
        return line.text();
    const under_way& u = found->second;
    line.add(fmt::format("  {}", clock_text(run_.elapsed() - u.since)));
    if (u.attempt > 1)
        line.add(fmt::format("  attempt {}", u.attempt));
    if (u.fraction > 0)
        line.add(fmt::format("  {:.0f} %", std::floor(u.fraction * 100)));
    if (!u.message.empty())
        line.add("  " + u.message, style::dim);
    return line.text();
}

std::vector<std::uint32_t> live_picture::choose(std::size_t rows)
{
    const auto tasks = static_cast<std::uint32_t>(run_.dag().tasks.size());
    std::set<std::uint32_t> chosen;
    if (tasks <= rows) {
        for (std::uint32_t t = 0; t < tasks; ++t)
            chosen.insert(t);
        return {chosen.begin(), chosen.end()};
    }
    --rows; // for the line about the rest
    const std::size_t failed_rows = std::min(failed_.size(), std::max<std::size_t>(rows / 3, 1));
    chosen.insert(failed_.end() - static_cast<std::ptrdiff_t>(failed_rows), failed_.end());
    for (auto a = active_.begin(); a != active_.end() && chosen.size() < rows; ++a)
        chosen.insert(a->first);
    while (first_open_ < tasks && is_terminal(run_.machine->state_of(task_index(first_open_))))
        ++first_open_;
    for (std::uint32_t t = first_open_; t < tasks && chosen.size() < rows; ++t)
        chosen.insert(t);
    for (std::uint32_t t = first_open_; t-- > 0 && chosen.size() < rows;)
        chosen.insert(t);
    return {chosen.begin(), chosen.end()};
}

std::string live_picture::rest_line(const std::vector<std::uint32_t>& shown, std::size_t columns) const
{
    schedule::state_counts rest = run_.machine->task_totals();
    for (const std::uint32_t t : shown)
        --rest[run_.machine->state_of(task_index(t))];
    styled_line line(columns, traits_.colour, traits_.utf8);
    line.add(
        fmt::format("  {} {} more task{}: ", traits_.utf8 ? "…" : "..", rest.total(), rest.total() == 1 ? "" : "s"),
        style::dim);
    add_counts(line, rest);
    return line.text();
}

std::vector<std::string> live_picture::lines(std::size_t columns, std::size_t rows)
{
    std::vector<std::string> out{head_line(columns), counts_line(columns)};
    const auto shown = choose(rows - 2);
    std::size_t name_width = 0;
    for (const std::uint32_t t : shown)
        name_width = std::max(name_width, width_of(run_.dag()[task_index(t)].name));
    name_width = std::min(name_width, std::max<std::size_t>(columns / 3, 8));
    for (const std::uint32_t t : shown)
        out.push_back(task_line(t, name_width, columns));
    if (shown.size() < run_.dag().tasks.size())
        out.push_back(rest_line(shown, columns));
    return out;
}

} // namespace potoo::cli
