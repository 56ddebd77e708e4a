#pragma once
/// @file
/// The live display: a picture at the bottom of a terminal that is drawn anew in place, and lines above it that stay.

#include "engine/cli/display/display.hpp"
#include "engine/cli/display/failure_notes.hpp"
#include "engine/cli/display/live_picture.hpp"
#include "engine/cli/display/output.hpp"
#include "engine/cli/display/terminal.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace potoo::cli {

class live_display final : public display
{
  public:
    /// What brings a terminal back that was left in the middle of a picture.
    static constexpr const char* restore_sequence = "\x1b[0m\x1b[?25h\r\n";

    /// @param out a terminal; must outlive it
    /// @param window asked before each drawing, because windows are resized
    live_display(output& out, terminal_traits traits, std::function<window_size()> window)
        : out_(out), traits_(traits), window_(std::move(window))
    {}

    void run_started(const shown_run& run) override;
    void attempt_started(const shown_run& run, task_index t, item_index i, attempt_number n) override;
    void attempt_deferred(const shown_run& run, task_index t, item_index i, bool deferred) override;
    void attempt_progress(const shown_run& run, task_index t, item_index i, double fraction,
                          std::string_view message) override;
    void attempt_ended(const shown_run& run, const runtime::attempt_report& report) override;
    void task_ended(const shown_run& run, task_index t, schedule::task_state state) override;
    void log(const shown_run& run, task_index t, item_index i, attempt_number n, journal::log_stream stream,
             std::string_view text) override;
    void run_ended(const shown_run& run, const run_report& report) override;
    void warning(std::string_view text) override;
    void notice(std::string_view text) override;
    void tick() override;

  private:
    struct followed
    {
        followed(const shown_run& r, terminal_traits traits) : run(&r), picture(r, traits) {}

        const shown_run* run;
        live_picture picture;
        failure_notes failures;
    };

    [[nodiscard]] followed& of(const shown_run& run);
    void draw();
    void erase(std::string& frame) const;
    void put_above(std::string_view text);

    output& out_;
    terminal_traits traits_;
    std::function<window_size()> window_;
    std::vector<std::unique_ptr<followed>> runs_;
    std::vector<std::size_t> drawn_widths_; ///< of the lines on the screen
    std::string last_frame_;
    std::string above_; ///< to be written above the picture with the next drawing
    std::string last_warning_;
};

} // namespace potoo::cli
