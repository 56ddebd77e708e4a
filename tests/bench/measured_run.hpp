#pragma once
/// @file
/// Runs of the whole engine that are looked at from outside: loading a DAG, carrying out a run, and doing things at
/// given times once all its jobs are waiting.

#include "engine/graph/dag.hpp"
#include "engine/host/local_host.hpp"
#include "engine/runtime/run_observer.hpp"

#include <potoo/asio.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace potoo::bench {

/// Ends the program, with its complaints on stderr, when it cannot be loaded.
[[nodiscard]] std::shared_ptr<const graph::dag> load(const std::string& text, const char* name);

/// Runs the io_context until the work is done.
host::run_outcome carry_out(boost::asio::io_context& context, task<host::run_outcome> work, host::local_host& local);

/// Which jobs, and how they are asked about.
struct job_shape
{
    std::size_t jobs = 0;
    std::size_t batch_limit = 0; ///< 0: one call a job
    std::string interval = "2s";
};

/// Jobs of the bench's server or of the example job service that outlast every measurement.
[[nodiscard]] std::shared_ptr<const graph::dag> waiting_jobs(const job_shape& shape);

/// Waits until all jobs are deferred and `ready` agrees, then does one thing after another, each a given time after the
/// one before.
class staged_watch final : public runtime::run_observer, private timer_node
{
  public:
    /// @param ready asked every 100 ms once all jobs are deferred
    staged_watch(potoo::loop& l, std::size_t jobs, std::function<bool()> ready);
    ~staged_watch() override;

    staged_watch& then(steady_clock::duration after, std::function<void()> what);

    void attempt_deferred(task_index, item_index, bool deferred) override;

    [[nodiscard]] bool done() const { return next_ == stages_.size(); }

  private:
    void on_due() override;

    potoo::loop& loop_;
    long jobs_;
    std::function<bool()> ready_;
    std::vector<std::pair<steady_clock::duration, std::function<void()>>> stages_;
    std::size_t next_ = 0;
    long deferred_ = 0;
    bool began_ = false;
    bool armed_ = false;
};

} // namespace potoo::bench
