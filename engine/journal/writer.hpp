#pragma once
/// @file
/// Group commit: what the engine's thread appends is gathered while the last batch is made durable, and written
/// together.

#include "engine/journal/record.hpp"
#include "engine/journal/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace potoo::journal {

/// Counts what was appended to one writer, from 1. What has position p is durable once `durable() >= p`.
using position = std::uint64_t;

/// Who writes, and when.
enum class writer_mode : std::uint8_t
{
    threaded,    ///< a thread of the writer's own
    synchronous, ///< the caller, within `append`: for a store that keeps everything in memory
    manual,      ///< the caller, within `write_next` and `flush`: for simulations and tests
    discarding,  ///< nobody: what is appended is forgotten at once and counts as durable, for runs that nobody recovers
};

/// How much is gathered.
struct writer_limits
{
    std::size_t batch_entries = 4'096;              ///< most entries of one transaction, ≥ 1
    std::size_t pending_bytes = 64UL * 1024 * 1024; ///< more than this not durable: `over_limit`
    std::chrono::milliseconds retry_after{500};     ///< between tries to write a batch that could not be written
    std::size_t prune_records = 4'096;              ///< looked at in one piece of `writer::prune`, ≥ 1
};

/// How a `writer::prune` ended.
struct prune_result
{
    pruned removed;                   ///< `more`: it was broken off by `writer::stop` or the error
    std::optional<store_error> error; ///< why it could not go on
};

/// What the owner is told, on the thread that writes, outside of any lock. They must not throw and must not call back
/// into the writer but for its `const` members.
struct writer_events
{
    std::function<void(position)> durable{};          ///< everything up to this position is durable
    std::function<void(const store_error&)> failed{}; ///< once, when writing begins to fail; nothing is lost yet
    std::function<void()> recovered{};                ///< writing works again
};

/// Owns the right to append to a store. A batch that could not be written is kept, and tried again every
/// `writer_limits::retry_after` and at each `flush`. All members but `durable` and `over_limit` are for one thread, the
/// engine's. The store must outlive it and is not to be used by others in between.
class writer
{
  public:
    explicit writer(store& target, writer_events events = {}, writer_mode mode = writer_mode::threaded,
                    writer_limits limits = {});
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    /// As `stop`.
    ~writer();

    /// Creates a run, its `run_created` record included. `run.number` is set here. Never blocks.
    run_number create_run(new_run run);

    /// Never blocks and never fails: what goes wrong is told by `writer_events::failed`.
    position append(record&& r);

    position append(const record& r) { return append(record(r)); }

    /// As `append`.
    position append_log(log_chunk chunk);

    /// As `append`. With `writer_mode::discarding` the store gets it none the less, at once.
    /// @param done called as `writer_events` are, when it is durable: whether it took effect
    position append(entry_change change, std::function<void(bool)> done);

    /// Removes runs as `store::prune` does, all of them, on the thread that writes: piece by piece while nothing waits
    /// to be written, and else one piece after each batch. Several requests are carried out one after another.
    /// @param done called once, as `writer_events` are
    void prune(retention keep, wall_time now, std::function<void(const prune_result&)> done);

    /// Position of what was appended last; 0 = nothing yet.
    [[nodiscard]] position last() const noexcept { return last_; }

    [[nodiscard]] position durable() const noexcept { return durable_.load(std::memory_order_acquire); }

    /// So much is not durable yet that the engine should start nothing new.
    [[nodiscard]] bool over_limit() const noexcept;

    /// Returns when everything appended so far is durable. @throws store_error when it cannot be written now; it is
    /// kept, and will be written when it can
    void flush();

    /// In manual mode: writes one batch or, when there is none, does one piece of `prune`.
    /// @return false when there is nothing to do or it could not be done
    bool write_next();

    /// Writes what is left, does the store's housekeeping, and ends the thread. Nothing may be appended afterwards.
    /// @return how many entries could not be written and are lost; 0 is what one wants
    std::size_t stop();

  private:
    struct pending_batch
    {
        batch entries;
        position last = 0;
        std::size_t bytes = 0;
        std::vector<std::function<void(bool)>> done; ///< of `entries.changes`
    };

    struct prune_request
    {
        retention keep;
        wall_time now;
        std::function<void(const prune_result&)> done;
        pruned removed;
    };

    /// With `writer_mode::discarding`.
    position forget() noexcept;
    template <class Add>
    position enqueue(std::size_t bytes, Add add);
    pending_batch& open_batch();
    void run_thread();
    bool write_front();
    static void tell(const std::vector<std::function<void(bool)>>& done, const append_result& result);
    void write_failed(const store_error& e);
    bool prune_some();
    void break_off_prunes();
    void end_prune(const std::optional<store_error>& error);
    void maintain_while_idle(std::unique_lock<std::mutex>& lock);

    store& store_;
    const writer_events events_;
    const writer_mode mode_;
    const writer_limits limits_;
    run_number next_run_;
    position last_ = 0;
    std::atomic<position> durable_{0};
    std::atomic<std::size_t> pending_bytes_{0};

    std::mutex mutex_;
    std::condition_variable wake_;       ///< the thread waits for work, a retry or the end
    std::condition_variable written_;    ///< `flush` waits for the outcome of a write
    std::deque<pending_batch> pending_;  ///< guarded by mutex_; the front is being written while `writing_`
    std::deque<prune_request> to_prune_; ///< guarded by mutex_; only the thread that writes takes the front away
    std::vector<batch> spare_;           ///< guarded by mutex_; emptied batches that keep their memory
    std::optional<store_error> error_;   ///< guarded by mutex_; set while writing fails
    std::uint64_t tries_ = 0;            ///< guarded by mutex_; writes that have ended, well or not
    bool writing_ = false;               ///< guarded by mutex_
    bool idle_ = false;                  ///< guarded by mutex_; the thread waits in `wake_`
    bool retry_now_ = false;             ///< guarded by mutex_
    bool stopping_ = false;              ///< guarded by mutex_
    bool stopped_ = false;               ///< of the owner's thread
    std::thread thread_;
};

} // namespace potoo::journal
