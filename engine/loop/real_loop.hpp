#pragma once
/// @file
/// The loop on an io_context and the clocks of the machine.

#include "engine/loop/ready_queue.hpp"
#include "engine/loop/timer_queue.hpp"

#include <potoo/loop.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace potoo {

/// What the loops of this folder share: the queue of what is ready, the timer queue, names and blocking threads.
class basic_loop : public loop
{
  public:
    [[nodiscard]] executor_type executor() noexcept final { return context_.get_executor(); }

    void arm(timer_node& node, steady_time due) final;
    void disarm(timer_node& node) noexcept final;
    void schedule(ready_node& node) final;
    void unschedule(ready_node& node) noexcept final;
    [[nodiscard]] boost::asio::thread_pool& blocking_pool() final;
    [[nodiscard]] const std::string* intern(std::string_view name) final;

    [[nodiscard]] std::size_t timers() const noexcept { return timers_.size(); }

  protected:
    basic_loop(boost::asio::io_context& context, steady_time origin);
    ~basic_loop();

    /// An earlier timer than any before may have been armed.
    virtual void timers_changed() = 0;

    /// The last timer was disarmed.
    virtual void timers_gone() noexcept = 0;

    /// Something is ready: see that `run_ready` is called soon.
    virtual void request_turn() = 0;

    void run_ready();

    /// As `run_ready`, one node a call. @return false when that was the last of the turn
    bool run_one_ready();

    boost::asio::io_context& context_;
    timer_queue timers_;
    ready_queue ready_;

  private:
    struct name_hash
    {
        using is_transparent = void;

        std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>()(name); }
    };

    void end_turn();

    bool turn_requested_ = false;
    std::unique_ptr<boost::asio::thread_pool> pool_;
    std::unordered_set<std::string, name_hash, std::equal_to<>> names_;
};

/// Runs while somebody calls `run` on the io_context, which may be the program's own. Keeps no work by itself: when
/// nothing waits for anything, `run` returns. The io_context must outlive the loop and be run by one thread.
class real_loop final : public basic_loop
{
  public:
    explicit real_loop(boost::asio::io_context& context);
    ~real_loop();

    [[nodiscard]] steady_time now() noexcept override;
    [[nodiscard]] wall_time wall_now() noexcept override;

  private:
    // One for the whole queue: the only Asio timer of the engine.
    using wake_timer = boost::asio::basic_waitable_timer<steady_clock, boost::asio::wait_traits<steady_clock>,
                                                         boost::asio::io_context::executor_type>;

    void timers_changed() override;
    void timers_gone() noexcept override;
    void request_turn() override;
    void wait_for_timer();
    void on_wake(boost::system::error_code ec);

    /// For handlers on the io_context, which may outlive the loop: null by then.
    std::shared_ptr<real_loop*> self_ = std::make_shared<real_loop*>(this);
    wake_timer timer_;
    steady_time armed_for_ = steady_time::max();
    bool advancing_ = false;
};

} // namespace potoo
