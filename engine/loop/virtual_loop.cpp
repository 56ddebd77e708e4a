#include "engine/loop/virtual_loop.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace potoo {
namespace {

using namespace std::chrono;

constexpr steady_time virtual_start{hours(1)};
constexpr wall_time virtual_wall_start{sys_days(2026y / January / 1d)};

} // namespace

virtual_loop::virtual_loop(boost::asio::io_context& context) : virtual_loop(context, virtual_start, virtual_wall_start)
{}

virtual_loop::virtual_loop(boost::asio::io_context& context, steady_time start, wall_time wall_start)
    : basic_loop(context, start), start_(start), now_(start), wall_start_(wall_start)
{}

virtual_loop::~virtual_loop()
{
    abandon_executions();
}

wall_time virtual_loop::wall_now() noexcept
{
    return floor<milliseconds>(wall_start_ + (now_ - start_));
}

void virtual_loop::request_turn()
{
    boost::asio::post(context_, [this] { in_turn_ = true; });
}

void virtual_loop::advance_to(steady_time t) noexcept
{
    now_ = std::max(now_, t);
}

bool virtual_loop::step()
{
    if (in_turn_) {
        in_turn_ = run_one_ready();
        return true;
    }
    if (firing_ || timers_.next_due() <= now_) {
        firing_ = timers_.fire_one(now_);
        if (firing_)
            return true;
    }
    context_.restart();
    if (context_.poll_one() == 0)
        return false;
    if (in_turn_)
        in_turn_ = run_one_ready();
    return true;
}

void virtual_loop::run_present()
{
    while (step()) {}
}

void virtual_loop::run(steady_clock::duration limit)
{
    const steady_time end = now_ + limit;
    for (;;) {
        run_present();
        const steady_time next = timers_.next_due();
        if (next == steady_time::max())
            return;
        if (next > end) {
            now_ = end;
            return;
        }
        advance_to(next);
    }
}

} // namespace potoo
