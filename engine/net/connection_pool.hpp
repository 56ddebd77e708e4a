#pragma once
/// @file
/// The connections of one origin: a limit, a line of those who wait, and those that are open and unused.

#include "engine/net/connection.hpp"

#include <potoo/wait.hpp>

#include <memory>
#include <vector>

namespace potoo::net {

class connection_pool
{
  public:
    explicit connection_pool(std::size_t limit) : limit_(limit), slots_(limit) {}

    connection_pool(const connection_pool&) = delete;
    connection_pool& operator=(const connection_pool&) = delete;

    /// The right to one connection, in order of arrival, to be handed to a `lease` at once. False if the deadline
    /// passes first. The pool must outlive it.
    [[nodiscard]] task<bool> acquire(steady_time deadline);

    /// As `acquire`, without waiting.
    [[nodiscard]] bool try_acquire() noexcept { return idle_.empty() ? false : slots_.try_acquire(); }

    /// Closes the connections that were put back at `time` or before.
    void close_unused_since(steady_time time);

    /// When the one was put back that has been unused for longest; `steady_time::max()` if there is none.
    [[nodiscard]] steady_time unused_since() const noexcept;

    /// Nobody holds or awaits a connection, and none is kept.
    [[nodiscard]] bool deserted() const noexcept { return idle_.empty() && slots_.available() == limit_; }

  private:
    friend class lease;

    struct idle_connection
    {
        std::unique_ptr<net::connection> connection;
        steady_time since;
    };

    std::size_t limit_;
    semaphore slots_;
    std::vector<idle_connection> idle_;
};

/// A slot of a pool and, once there is one, the connection that it is for. Closes it unless it is put back.
class lease
{
  public:
    /// Takes over what `acquire` got.
    explicit lease(connection_pool& pool) noexcept : pool_(pool) {}

    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;

    ~lease()
    {
        connection.reset();
        pool_.slots_.release();
    }

    /// The most recently used connection that is still open. False if there is none.
    bool take_idle();

    /// @param now no earlier than at the last call, for any connection of the pool
    void put_back(steady_time now) { pool_.idle_.push_back({std::move(connection), now}); }

    std::unique_ptr<net::connection> connection;

  private:
    connection_pool& pool_;
};

} // namespace potoo::net
