#include <potoo/request_gate.hpp>

#include <algorithm>
#include <stdexcept>

namespace potoo {
namespace {

steady_clock::duration spacing_of(double per_second)
{
    if (per_second == 0)
        return {};
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(1 / per_second));
}

const request_gate::limits& checked(const request_gate::limits& l)
{
    if (l.concurrency == 0)
        throw std::invalid_argument("a request gate that lets nothing in");
    if (!(l.per_second >= 0))
        throw std::invalid_argument("a request gate with a negative rate");
    return l;
}

} // namespace

request_gate::request_gate(potoo::loop& l, limits lim)
    : loop_(l), spacing_(spacing_of(checked(lim).per_second)), slots_(lim.concurrency)
{}

steady_time request_gate::reserve() noexcept
{
    const steady_time start = std::max({loop_.now(), free_at_, throttled_until_});
    free_at_ = start + spacing_;
    return start;
}

task<request_gate::pass> request_gate::enter()
{
    co_await slots_.acquire();
    pass mine(*this);
    for (;;) {
        const steady_time start = reserve();
        if (start > loop_.now())
            co_await sleep_until(start);
        // Asked to wait meanwhile: what was reserved is void.
        if (loop_.now() >= throttled_until_)
            break;
    }
    ++entered_;
    co_return mine;
}

void request_gate::throttle(steady_time until) noexcept
{
    throttled_until_ = std::max(throttled_until_, until);
}

} // namespace potoo
