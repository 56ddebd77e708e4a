#include "engine/net/connection_pool.hpp"

#include <potoo/concurrency.hpp>

#include <algorithm>

namespace potoo::net {
namespace {

task<> take_slot(semaphore& slots)
{
    co_await slots.acquire();
}

} // namespace

task<bool> connection_pool::acquire(steady_time deadline)
{
    if (slots_.available() > 0 || deadline == steady_time::max()) {
        co_await slots_.acquire();
        co_return true;
    }
    const auto taken = co_await in_time(take_slot(slots_), deadline);
    co_return taken.has_value();
}

void connection_pool::close_unused_since(steady_time time)
{
    const auto stays = std::find_if(idle_.begin(), idle_.end(), [&](const auto& c) { return c.since > time; });
    idle_.erase(idle_.begin(), stays);
}

steady_time connection_pool::unused_since() const noexcept
{
    return idle_.empty() ? steady_time::max() : idle_.front().since;
}

bool lease::take_idle()
{
    while (!connection && !pool_.idle_.empty()) {
        connection = std::move(pool_.idle_.back().connection);
        pool_.idle_.pop_back();
        if (!connection->still_open())
            connection.reset();
    }
    return connection != nullptr;
}

} // namespace potoo::net
