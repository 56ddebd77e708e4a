#pragma once
/// @file
/// What shows runs while they go on: a live picture, plain lines, or JSON events.

#include "engine/journal/record.hpp"
#include "engine/runtime/run_observer.hpp"
#include "engine/schedule/run_machine.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::cli {

/// A run as displays see it. Valid from its start to its end.
struct shown_run
{
    run_id id;
    const schedule::run_machine* machine = nullptr;
    std::function<duration()> elapsed;                            ///< since this engine took it up
    std::function<std::string(task_index, item_index)> item_name; ///< key or position; empty without `foreach`
    bool resumed = false;

    [[nodiscard]] const graph::dag& dag() const { return machine->dag(); }
};

/// A task that did not end well.
struct task_failure
{
    std::string task;
    schedule::task_state state{};
    std::uint32_t items = 0;        ///< of the task
    std::uint32_t failed_items = 0; ///< failed or timed out
    std::string error;              ///< of the first that failed
};

/// How a run left this engine.
struct run_report
{
    run_id id;
    std::string dag_name;
    schedule::run_state state{};
    bool detached = false; ///< the engine let go of it before it had ended
    schedule::state_counts tasks;
    schedule::state_counts items;
    duration elapsed{0};
    std::vector<task_failure> failures; ///< the first few
    std::size_t failures_left_out = 0;
};

/// Called on the loop, for one run after the other or for several side by side. Throws nothing but `output_closed` and
/// `std::system_error`, when the output cannot be written.
class display
{
  public:
    display() = default;
    display(const display&) = delete;
    display& operator=(const display&) = delete;
    virtual ~display() = default;

    /// `run` stays where it is until `run_ended` has returned.
    virtual void run_started(const shown_run& run) = 0;
    virtual void attempt_started(const shown_run& run, task_index t, item_index i, attempt_number n) = 0;
    virtual void attempt_deferred(const shown_run& run, task_index t, item_index i, bool deferred) = 0;
    virtual void attempt_progress(const shown_run& run, task_index t, item_index i, double fraction,
                                  std::string_view message) = 0;
    virtual void attempt_ended(const shown_run& run, const runtime::attempt_report& report) = 0;
    virtual void task_ended(const shown_run& run, task_index t, schedule::task_state state) = 0;
    virtual void log(const shown_run& run, task_index t, item_index i, attempt_number n, journal::log_stream stream,
                     std::string_view text) = 0;
    virtual void run_ended(const shown_run& run, const run_report& report) = 0;
    virtual void warning(std::string_view text) = 0;

    /// Something else is to be shown to the person at the terminal, whole lines: it must not mix with the picture.
    virtual void notice(std::string_view text) = 0;

    /// Time has passed: from the loop, about ten times a second. Writes what is due.
    virtual void tick() = 0;
};

/// `align`, `align[sample-3]`.
[[nodiscard]] std::string attempt_name(const shown_run& run, task_index t, item_index i);

/// The `message` of an attempt's error, in one line.
[[nodiscard]] std::string error_message(const json::object& error);

/// `3 running, 2 failed, 10 success`: what is under way first. Empty when there are none.
[[nodiscard]] std::string counts_text(const schedule::state_counts& counts);

/// Tasks or items that will not change any more.
[[nodiscard]] std::uint32_t ended_of(const schedule::state_counts& counts) noexcept;

} // namespace potoo::cli
