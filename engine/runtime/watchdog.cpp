#include "engine/runtime/watchdog.hpp"

namespace potoo::runtime {

watchdog::watchdog(const potoo::loop& l, std::function<void(const std::string&)> report)
    : loop_(l), report_(std::move(report)), thread_([this] { watch(); })
{}

watchdog::~watchdog()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_one();
    thread_.join();
}

/// Empty between turns.
std::string watchdog::running_now() const
{
    const std::lock_guard lock(loop_.name_is_read);
    const std::string* name = loop_.running.load(std::memory_order_acquire);
    return name ? *name : std::string();
}

void watchdog::watch()
{
    std::unique_lock lock(mutex_);
    std::uint64_t seen = 0;
    std::uint64_t reported = 0;
    while (!stop_.wait_for(lock, limit, [this] { return stopping_; })) {
        const std::uint64_t turn = loop_.turns.load(std::memory_order_relaxed);
        const std::string name = turn == seen && turn != reported ? running_now() : std::string();
        if (!name.empty()) {
            report_(name);
            reported = turn;
        }
        seen = turn;
    }
}

} // namespace potoo::runtime
