#pragma once

#include "job_table.hpp"

#include <cstddef>
#include <deque>
#include <functional>

namespace job_service {

/// Starts jobs as slots become free, and ends them.
class dispatcher
{
  public:
    struct limits
    {
        std::size_t slots = 2;
        bool slots_for_builtin = false;
        std::size_t log_bytes = 1024 * 1024;    // kept per job
        std::chrono::milliseconds grace{5'000}; // between TERM and KILL
    };

    dispatcher(executor where, job_table& table, limits allowed) : where_(where), table_(table), allowed_(allowed) {}

    void submit(const job_ptr& subject);

    /// Cancels a job that has not ended. What is queued or built in ends at once, a process when it is really gone.
    void cancel(const job_ptr& subject);

    /// Kills what runs of a job that nobody asks for any more.
    void abandon(const job_ptr& subject);

    /// Ends everything (TERM, KILL after the grace) and calls `idle` when no process is left.
    void stop(std::function<void()> idle);

    /// KILL for all that still runs.
    void kill_all();

    bool stopping() const { return stopping_; }

    std::size_t slots() const { return allowed_.slots; }

    std::size_t busy() const { return busy_; }

    /// The most slots that were in use at the same time.
    std::size_t peak() const { return peak_; }

    void reset_peak() { peak_ = busy_; }

  private:
    bool wants_slot(const job& subject) const;
    void start_queued();
    void start(const job_ptr& subject);
    void start_process(const job_ptr& subject);
    void start_builtin(const job_ptr& subject);
    void builtin_ended(const job_ptr& subject);
    void process_ended(const job_ptr& subject, process_end how);
    void terminate(const job_ptr& subject);
    void release_slot(const job& subject);
    void finish(job& subject, job_state state);

    executor where_;
    job_table& table_;
    limits allowed_;
    std::deque<job_ptr> queue_; // cancelled ones stay until their turn and are then passed over
    std::vector<job_ptr> with_process_;
    std::size_t busy_ = 0;
    std::size_t peak_ = 0;
    bool starting_ = false;
    bool stopping_ = false;
    std::function<void()> idle_;
};

} // namespace job_service
