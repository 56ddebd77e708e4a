#include "engine/cli/display/live_display.hpp"

#include "engine/cli/display/styled_line.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potoo::cli {

namespace {

constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";
constexpr std::string_view clear_below = "\x1b[J";
constexpr std::size_t fewest_rows = 3; ///< of one run

} // namespace

live_display::followed& live_display::of(const shown_run& run)
{
    return **std::find_if(runs_.begin(), runs_.end(), [&](const auto& f) { return f->run == &run; });
}

void live_display::run_started(const shown_run& run)
{
    runs_.push_back(std::make_unique<followed>(run, traits_));
}

void live_display::attempt_started(const shown_run& run, task_index t, item_index, attempt_number n)
{
    of(run).picture.attempt_started(t, n);
}

void live_display::attempt_deferred(const shown_run&, task_index, item_index, bool) {}

void live_display::attempt_progress(const shown_run& run, task_index t, item_index, double fraction,
                                    std::string_view message)
{
    of(run).picture.attempt_progress(t, fraction, message);
}

void live_display::attempt_ended(const shown_run& run, const runtime::attempt_report& report)
{
    followed& f = of(run);
    f.picture.attempt_ended(report.task);
    if (const auto note = f.failures.note(run, report))
        put_above(*note);
}

void live_display::task_ended(const shown_run& run, task_index t, schedule::task_state state)
{
    of(run).picture.task_ended(t, state);
}

void live_display::log(const shown_run& run, task_index t, item_index i, attempt_number, journal::log_stream stream,
                       std::string_view text)
{
    of(run).failures.log(t, i, stream, text);
}

void live_display::warning(std::string_view text)
{
    if (text == last_warning_)
        return;
    last_warning_ = text;
    put_above(fmt::format("potoo: warning: {}\n", text));
}

void live_display::put_above(std::string_view text)
{
    while (!text.empty()) {
        const auto end = text.find('\n');
        above_ += printable(text.substr(0, end), traits_.utf8) + "\r\n";
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

void live_display::notice(std::string_view text)
{
    put_above(text);
    draw();
}

void live_display::tick()
{
    draw();
}

void live_display::run_ended(const shown_run& run, const run_report&)
{
    draw();
    // The last picture of this run stays; others are drawn below it.
    const auto at = std::find_if(runs_.begin(), runs_.end(), [&](const auto& f) { return f->run == &run; });
    const bool alone = runs_.size() == 1;
    if (alone) {
        out_.write("\r\n");
    } else {
        std::string frame;
        erase(frame);
        for (const std::string& line : (*at)->picture.lines(window_().columns, fewest_rows))
            frame += line + "\r\n";
        out_.write(frame);
    }
    if (const auto untold = (*at)->failures.untold())
        out_.write(fmt::format("and {} more failed attempts\r\n", untold));
    out_.write(show_cursor);
    out_.flush();
    runs_.erase(at);
    drawn_widths_.clear();
    last_frame_.clear();
}

/// To the first line of the picture. Where the window has become narrower, its lines take more rows than were drawn.
void live_display::erase(std::string& frame) const
{
    if (drawn_widths_.empty())
        return;
    const std::size_t columns = std::max<std::size_t>(window_().columns, 1);
    std::size_t up = 0;
    for (std::size_t i = 0; i < drawn_widths_.size(); ++i) {
        const std::size_t rows = std::max<std::size_t>((drawn_widths_[i] + columns - 1) / columns, 1);
        up += i + 1 < drawn_widths_.size() ? rows : rows - 1;
    }
    frame += '\r';
    if (up > 0)
        frame += fmt::format("\x1b[{}A", up);
    frame += clear_below;
}

void live_display::draw()
{
    if (runs_.empty()) {
        out_.write(above_);
        above_.clear();
        out_.flush();
        return;
    }
    const window_size window = window_();
    // A row is left free, so that the cursor's line never scrolls the picture.
    const std::size_t rows = std::max(window.rows, fewest_rows + 1) - 1;
    const std::size_t shown = std::clamp<std::size_t>(rows / fewest_rows, 1, runs_.size());
    std::vector<std::string> lines;
    for (std::size_t r = 0; r < shown; ++r)
        for (std::string& line : runs_[r]->picture.lines(window.columns, std::max(rows / shown, fewest_rows)))
            lines.push_back(std::move(line));
    std::string picture;
    std::vector<std::size_t> widths;
    for (const std::string& line : lines) {
        picture += (picture.empty() ? "" : "\r\n") + line;
        widths.push_back(width_of_styled(line));
    }
    if (above_.empty() && picture == last_frame_)
        return;
    std::string frame(hide_cursor);
    erase(frame);
    frame += above_ + picture;
    above_.clear();
    drawn_widths_ = std::move(widths);
    last_frame_ = std::move(picture);
    out_.write(frame);
    out_.flush();
}

} // namespace potoo::cli
