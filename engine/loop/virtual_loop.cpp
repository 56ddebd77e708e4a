#include "engine/loop/virtual_loop.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace potoo {
namespace {

constexpr steady_time virtual_start{std::chrono::hours(1)};

} // namespace

virtual_loop::virtual_loop(boost::asio::io_context& context)
    : basic_loop(context, virtual_start), start_(virtual_start), now_(virtual_start)
{}

virtual_loop::~virtual_loop()
{
    abandon_executions();
}

wall_time virtual_loop::wall_now() noexcept
{
    using namespace std::chrono;
    return floor<milliseconds>(sys_days(2026y / January / 1d) + (now_ - start_));
}

void virtual_loop::request_turn()
{
    boost::asio::post(context_, [this] { run_ready(); });
}

void virtual_loop::run_present()
{
    context_.restart();
    context_.poll();
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
        now_ = std::max(now_, next);
        timers_.advance(now_);
    }
}

} // namespace potoo
