#pragma once
/// @file
/// Who watches a run: the live display, the stream of JSON events, tests.

#include "engine/journal/record.hpp"
#include "engine/schedule/states.hpp"

#include <potoo/ids.hpp>
#include <potoo/json.hpp>
#include <potoo/time.hpp>

#include <string_view>

namespace potoo::runtime {

class run_executor;

/// What became of an attempt.
struct attempt_report
{
    task_index task;
    item_index item;
    attempt_number attempt;
    schedule::attempt_outcome outcome{};
    const json::value* output = nullptr; ///< of a success
    const json::object* error = nullptr; ///< `class`, `code`, `message`; of any other end
    duration elapsed{0};
    bool will_retry = false;
    duration retry_delay{0};
};

/// Called on the loop, in order. The references are valid during the call only. Must not throw.
class run_observer
{
  public:
    virtual ~run_observer() = default;

    virtual void run_started(const run_executor&, bool /*resumed*/) {}

    virtual void attempt_started(task_index, item_index, attempt_number) {}

    virtual void attempt_deferred(task_index, item_index, bool /*deferred*/) {}

    virtual void attempt_progress(task_index, item_index, double /*fraction*/, std::string_view /*message*/) {}

    /// It has made something public (`context::publish`).
    virtual void attempt_property(task_index, item_index, attempt_number, std::string_view /*name*/,
                                  const json::value& /*value*/)
    {}

    virtual void attempt_ended(const attempt_report&) {}

    virtual void task_ended(task_index, schedule::task_state) {}

    /// It had ended, and is to run once more.
    virtual void task_reopened(task_index) {}

    /// No attempt is started, or they are again.
    virtual void run_paused(bool /*paused*/) {}

    virtual void log(task_index, item_index, attempt_number, journal::log_stream, std::string_view /*text*/) {}

    /// Something that the person at the terminal should know: the journal cannot be written, the loop was blocked.
    virtual void warning(std::string_view /*text*/) {}

    /// Nothing follows.
    virtual void run_ended(const run_executor&) {}
};

} // namespace potoo::runtime
