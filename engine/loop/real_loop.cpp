#include "engine/loop/real_loop.hpp"

#include <boost/asio/post.hpp>

namespace potoo {

basic_loop::basic_loop(boost::asio::io_context& context, steady_time origin) : context_(context), timers_(origin) {}

basic_loop::~basic_loop()
{
    if (pool_) {
        pool_->stop();
        pool_->join();
    }
}

void basic_loop::arm(timer_node& node, steady_time due)
{
    timers_.arm(node, due);
    timers_changed();
}

void basic_loop::disarm(timer_node& node) noexcept
{
    timers_.disarm(node);
    if (timers_.size() == 0)
        timers_gone();
}

void basic_loop::schedule(ready_node& node)
{
    ready_.push(node);
    if (!turn_requested_) {
        turn_requested_ = true;
        request_turn();
    }
}

void basic_loop::unschedule(ready_node& node) noexcept
{
    ready_.remove(node);
}

void basic_loop::run_ready()
{
    ready_.run();
    end_turn();
}

bool basic_loop::run_one_ready()
{
    const bool more = ready_.run_one();
    if (!more)
        end_turn();
    return more;
}

void basic_loop::end_turn()
{
    turn_requested_ = !ready_.empty();
    if (turn_requested_)
        request_turn();
}

boost::asio::thread_pool& basic_loop::blocking_pool()
{
    constexpr std::size_t threads = 4;
    if (!pool_)
        pool_ = std::make_unique<boost::asio::thread_pool>(threads);
    return *pool_;
}

const std::string* basic_loop::intern(std::string_view name)
{
    auto found = names_.find(name);
    if (found == names_.end())
        found = names_.emplace(std::string(name)).first;
    return &*found;
}

real_loop::real_loop(boost::asio::io_context& context)
    : basic_loop(context, steady_clock::now()), timer_(context.get_executor())
{}

real_loop::~real_loop()
{
    abandon_executions();
    *self_ = nullptr;
}

steady_time real_loop::now() noexcept
{
    return steady_clock::now();
}

wall_time real_loop::wall_now() noexcept
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void real_loop::request_turn()
{
    boost::asio::post(context_, [self = self_] {
        if (*self)
            (*self)->run_ready();
    });
}

void real_loop::timers_changed()
{
    if (!advancing_ && timers_.next_due() < armed_for_)
        wait_for_timer();
}

void real_loop::timers_gone() noexcept
{
    if (advancing_ || armed_for_ == steady_time::max())
        return;
    // A wait for nobody would keep the io_context running.
    armed_for_ = steady_time::max();
    timer_.cancel();
}

void real_loop::wait_for_timer()
{
    armed_for_ = timers_.next_due();
    if (armed_for_ == steady_time::max()) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(armed_for_);
    timer_.async_wait([self = self_](boost::system::error_code ec) {
        if (*self)
            (*self)->on_wake(ec);
    });
}

void real_loop::on_wake(boost::system::error_code ec)
{
    if (ec)
        return;
    armed_for_ = steady_time::max();
    advancing_ = true;
    timers_.advance(steady_clock::now());
    advancing_ = false;
    wait_for_timer();
}

} // namespace potoo
