#pragma once
/// @file
/// Tells an embedding program's listener what the engine tells its observers.

#include "engine/graph/dag.hpp"
#include "engine/runtime/run_observer.hpp"

#include <potoo/engine.hpp>

#include <string>

namespace potoo::host {

class listener_events final : public runtime::run_observer
{
  public:
    explicit listener_events(run_listener listener) noexcept : listener_(std::move(listener)) {}

    void run_started(const runtime::run_executor& e, bool resumed) override;
    void attempt_started(task_index t, item_index i, attempt_number n) override;
    void attempt_deferred(task_index t, item_index i, bool deferred) override;
    void attempt_progress(task_index t, item_index i, double fraction, std::string_view message) override;
    void attempt_ended(const runtime::attempt_report& report) override;
    void task_ended(task_index t, schedule::task_state state) override;
    void log(task_index t, item_index i, attempt_number n, journal::log_stream stream, std::string_view text) override;
    void warning(std::string_view text) override;
    void run_ended(const runtime::run_executor& e) override;

  private:
    [[nodiscard]] run_event about_run(run_event::kind k) const;
    [[nodiscard]] run_event about_item(run_event::kind k, task_index t, item_index i) const;
    void tell(const run_event& e) const noexcept;

    run_listener listener_;
    const runtime::run_executor* executor_ = nullptr; ///< from the run's start to its end
};

} // namespace potoo::host
