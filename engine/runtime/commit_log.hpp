#pragma once
/// @file
/// The journal as the loop sees it: append now, go on when it is durable.

#include "engine/journal/writer.hpp"
#include "engine/runtime/latency_histogram.hpp"

#include <potoo/loop.hpp>
#include <potoo/wait.hpp>

#include <functional>
#include <memory>
#include <string>

namespace potoo::runtime {

class commit_log
{
  public:
    struct listener
    {
        virtual ~listener() = default;

        /// Everything up to `p` is durable. On the loop.
        virtual void durable(journal::position p) = 0;

        /// Writing began to fail; nothing is lost, and nothing new will be started until it works again. On the loop.
        virtual void write_failed(const journal::store_error& why) = 0;

        virtual void write_recovered() = 0;
    };

    /// The store and the loop must outlive it.
    commit_log(potoo::loop& l, journal::store& store, journal::writer_mode mode);
    ~commit_log();

    commit_log(const commit_log&) = delete;
    commit_log& operator=(const commit_log&) = delete;

    /// Null to have none. There is at most one.
    void set_listener(listener* who) noexcept;

    journal::run_number create_run(journal::new_run run) { return writer_.create_run(std::move(run)); }

    journal::position append(journal::record&& r) { return sampled(writer_.append(std::move(r))); }

    journal::position append(const journal::record& r) { return sampled(writer_.append(r)); }

    void append_log(journal::log_chunk chunk) { writer_.append_log(std::move(chunk)); }

    /// @param done called on the loop when it is durable, with whether it took effect, unless the log is gone by then
    journal::position append(journal::entry_change change, std::function<void(bool)> done);

    [[nodiscard]] journal::position last() const noexcept { return writer_.last(); }

    /// Also true when the writer's thread has written it but the loop was not told yet.
    [[nodiscard]] bool is_durable(journal::position p) const noexcept { return writer_.durable() >= p; }

    [[nodiscard]] bool over_limit() const noexcept { return writer_.over_limit(); }

    /// `co_await log.reached(p)`
    [[nodiscard]] counter::wait reached(journal::position p) noexcept;

    /// How long it took from appends until the loop was told that they are durable. One of them is on trial at a time.
    [[nodiscard]] const latency_histogram& latency() const noexcept;

    /// How long the one on trial has not been durable.
    [[nodiscard]] steady_clock::duration waiting_for() const noexcept;

    /// With `writer_mode::manual`: writes what has gathered. @return false when there is nothing, or it cannot be
    /// written
    bool write_next() { return writer_.write_next(); }

    /// As `journal::writer::prune`; `done` is called on the loop, unless the log is gone by then.
    void prune(journal::retention keep, wall_time now, std::function<void(const journal::prune_result&)> done);

    /// Blocks until all is durable. @throws journal::store_error
    void flush() { writer_.flush(); }

    /// Writes what is left and ends the writer. @return entries that could not be written
    std::size_t stop();

  private:
    struct state;

    /// What is appended while a sample waits costs one comparison.
    journal::position sampled(journal::position p)
    {
        if (*sample_settled_)
            take_sample(p);
        return p;
    }

    void take_sample(journal::position p) noexcept;

    potoo::loop& loop_;
    std::shared_ptr<state> state_;
    const bool* sample_settled_;
    loop::executor_type executor_;
    journal::writer writer_;
};

} // namespace potoo::runtime
