#include "engine/journal/writer.hpp"

#include <utility>

namespace potoo::journal {

namespace {

std::size_t footprint(const record& r) noexcept
{
    return sizeof r + r.branch.size() + r.name.size() + r.data.size();
}

} // namespace

writer::writer(store& target, writer_events events, writer_mode mode, writer_limits limits)
    : store_(target), events_(std::move(events)), mode_(mode), limits_(limits), next_run_(target.next_run())
{
    if (mode_ == writer_mode::threaded)
        thread_ = std::thread(&writer::run_thread, this);
}

writer::~writer()
{
    stop();
}

run_number writer::create_run(new_run run)
{
    const auto number = std::exchange(next_run_, run_number(next_run_.value() + 1));
    run.number = number;
    if (mode_ == writer_mode::discarding) {
        forget();
        return number;
    }
    record created;
    created.run = number;
    created.kind = record_kind::run_created;
    created.at = run.created;
    created.epoch = run.epoch;
    enqueue(sizeof run + footprint(created) + run.params.size(), [&](pending_batch& open) {
        open.entries.runs.push_back(std::move(run));
        open.entries.records.push_back(std::move(created));
    });
    return number;
}

position writer::append(record&& r)
{
    if (mode_ == writer_mode::discarding)
        return forget();
    return enqueue(footprint(r), [&](pending_batch& open) { open.entries.records.push_back(std::move(r)); });
}

position writer::append_log(log_chunk chunk)
{
    if (mode_ == writer_mode::discarding)
        return forget();
    return enqueue(sizeof chunk + chunk.text.size(),
                   [&](pending_batch& open) { open.entries.logs.push_back(std::move(chunk)); });
}

position writer::append(entry_change change, std::function<void(bool)> done)
{
    if (mode_ == writer_mode::discarding) {
        batch only;
        only.changes.push_back(std::move(change));
        tell({std::move(done)}, store_.append(only));
        return forget();
    }
    const auto bytes = sizeof change + change.kind.size() + change.key.size() + change.value.size();
    return enqueue(bytes, [&](pending_batch& open) {
        open.entries.changes.push_back(std::move(change));
        open.done.push_back(std::move(done));
    });
}

void writer::tell(const std::vector<std::function<void(bool)>>& done, const append_result& result)
{
    for (std::size_t i = 0; i < done.size(); ++i)
        if (done[i])
            done[i](result.changes.at(i));
}

position writer::forget() noexcept
{
    durable_.store(++last_, std::memory_order_relaxed);
    return last_;
}

bool writer::over_limit() const noexcept
{
    return pending_bytes_.load(std::memory_order_relaxed) > limits_.pending_bytes;
}

template <class Add>
position writer::enqueue(std::size_t bytes, Add add)
{
    const auto result = ++last_;
    std::unique_lock lock(mutex_);
    auto& open = open_batch();
    open.last = result;
    open.bytes += bytes;
    pending_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    add(open);
    const bool asleep = std::exchange(idle_, false);
    lock.unlock();
    if (asleep)
        wake_.notify_one();
    if (mode_ == writer_mode::synchronous)
        write_front();
    return result;
}

/// The batch to add to. Called under the lock.
writer::pending_batch& writer::open_batch()
{
    const bool front_is_taken = writing_ && pending_.size() == 1;
    if (pending_.empty() || front_is_taken || pending_.back().entries.size() >= limits_.batch_entries) {
        pending_.emplace_back();
        if (!spare_.empty()) {
            pending_.back().entries = std::move(spare_.back());
            spare_.pop_back();
        }
    }
    return pending_.back();
}

bool writer::write_next()
{
    std::unique_lock lock(mutex_);
    const bool has_batch = !pending_.empty();
    lock.unlock();
    return has_batch ? write_front() : prune_some();
}

void writer::prune(retention keep, wall_time now, std::function<void(const prune_result&)> done)
{
    std::unique_lock lock(mutex_);
    to_prune_.push_back({std::move(keep), now, std::move(done), {}});
    const bool asleep = std::exchange(idle_, false);
    lock.unlock();
    if (asleep)
        wake_.notify_one();
    if (mode_ == writer_mode::synchronous)
        while (prune_some()) {}
}

/// One piece of the first request. @return whether there was any
bool writer::prune_some()
{
    prune_request* front = nullptr;
    {
        const std::lock_guard guard(mutex_);
        if (to_prune_.empty())
            return false;
        front = &to_prune_.front();
    }
    std::optional<store_error> error;
    try {
        front->removed += store_.prune(front->keep, front->now, limits_.prune_records);
    } catch (const store_error& e) {
        error = e;
        front->removed.more = true;
    }
    if (error || !front->removed.more)
        end_prune(error);
    return true;
}

/// Takes the first request away and tells its owner.
void writer::end_prune(const std::optional<store_error>& error)
{
    std::unique_lock lock(mutex_);
    const auto ended = std::move(to_prune_.front());
    to_prune_.pop_front();
    lock.unlock();
    if (ended.done)
        ended.done({ended.removed, error});
}

/// Writes the front batch. @return false when there is none, or it could not be written and stays
bool writer::write_front()
{
    pending_batch* front = nullptr;
    {
        const std::lock_guard guard(mutex_);
        if (pending_.empty())
            return false;
        writing_ = true;
        // A deque keeps its elements in place while others are added behind them.
        front = &pending_.front();
    }
    append_result result;
    try {
        result = store_.append(front->entries);
    } catch (const store_error& e) {
        write_failed(e);
        return false;
    }
    bool recovered = false;
    const auto last = front->last;
    const auto done = std::move(front->done);
    {
        const std::lock_guard guard(mutex_);
        pending_bytes_.fetch_sub(front->bytes, std::memory_order_relaxed);
        durable_.store(last, std::memory_order_release);
        front->entries.clear();
        if (spare_.size() < 2)
            spare_.push_back(std::move(front->entries));
        pending_.pop_front();
        writing_ = false;
        ++tries_;
        recovered = error_.has_value();
        error_.reset();
    }
    written_.notify_all();
    if (recovered && events_.recovered)
        events_.recovered();
    tell(done, result);
    if (events_.durable)
        events_.durable(last);
    return true;
}

void writer::write_failed(const store_error& e)
{
    bool first = false;
    {
        const std::lock_guard guard(mutex_);
        writing_ = false;
        ++tries_;
        first = !error_.has_value();
        error_ = e;
    }
    written_.notify_all();
    if (first && events_.failed)
        events_.failed(e);
}

void writer::run_thread()
{
    std::unique_lock lock(mutex_);
    while (!stopping_ || !pending_.empty()) {
        if (pending_.empty()) {
            if (!to_prune_.empty() && !stopping_) {
                lock.unlock();
                prune_some();
                lock.lock();
                continue;
            }
            maintain_while_idle(lock);
            if (pending_.empty() && to_prune_.empty() && !stopping_) {
                idle_ = true;
                wake_.wait(lock, [this] { return !idle_; });
            }
            continue;
        }
        retry_now_ = false;
        lock.unlock();
        const bool written = write_front();
        if (written)
            prune_some();
        lock.lock();
        if (written)
            continue;
        if (stopping_)
            return;
        wake_.wait_for(lock, limits_.retry_after, [this] { return retry_now_ || stopping_; });
    }
    maintain_while_idle(lock);
}

/// Housekeeping, for as long as nothing waits to be written.
void writer::maintain_while_idle(std::unique_lock<std::mutex>& lock)
{
    bool more = true;
    while (more && pending_.empty() && (to_prune_.empty() || stopping_)) {
        lock.unlock();
        try {
            more = store_.maintain();
        } catch (const store_error& e) {
            // Nothing is lost by it: it is taken up again when the thread next has nothing to write.
            more = false;
            if (!e.passing() && events_.failed)
                events_.failed(e);
        }
        lock.lock();
    }
}

/// Only when the thread has ended, or there is none.
void writer::break_off_prunes()
{
    while (!to_prune_.empty()) {
        to_prune_.front().removed.more = true;
        end_prune(std::nullopt);
    }
}

void writer::flush()
{
    if (mode_ != writer_mode::threaded) {
        while (durable() < last_) {
            if (!write_front())
                throw store_error(*error_);
        }
        return;
    }
    std::unique_lock lock(mutex_);
    const auto target = last_;
    // A try that is under way may have begun before there was space again: the one after it tells.
    const auto verdict = tries_ + (writing_ ? 2 : 1);
    retry_now_ = true;
    idle_ = false;
    wake_.notify_one();
    written_.wait(lock, [&] { return durable() >= target || (error_ && tries_ >= verdict); });
    if (durable() < target)
        throw store_error(*error_);
}

std::size_t writer::stop()
{
    if (!std::exchange(stopped_, true)) {
        if (thread_.joinable()) {
            {
                const std::lock_guard guard(mutex_);
                stopping_ = true;
                idle_ = false;
            }
            wake_.notify_one();
            thread_.join();
        } else {
            while (write_front()) {}
            break_off_prunes();
            std::unique_lock lock(mutex_);
            if (pending_.empty())
                maintain_while_idle(lock);
        }
        break_off_prunes();
    }
    return last_ - durable();
}

} // namespace potoo::journal
