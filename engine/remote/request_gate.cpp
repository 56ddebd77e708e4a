#include <potoo/request_gate.hpp>

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace potoo {
namespace {

constexpr double least_rate = 0.001;

steady_clock::duration spacing_of(double per_second)
{
    if (per_second == 0)
        return {};
    if (!(per_second >= least_rate))
        throw std::invalid_argument("a request gate with a rate below 0.001 a second");
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(1 / per_second));
}

} // namespace

request_gate::request_gate(potoo::loop& l, limits lim)
    : loop_(l), spacing_(spacing_of(lim.per_second)), concurrency_(lim.concurrency)
{
    if (concurrency_ == 0)
        throw std::invalid_argument("a request gate that lets nothing in");
}

request_gate::~request_gate()
{
    assert(urgent_.empty() && normal_.empty() && "a gate outlives those who wait at it");
    if (armed())
        loop_.disarm(*this);
}

request_gate::wait request_gate::enter(urgency u) noexcept
{
    return {*this, u};
}

void request_gate::throttle(steady_time until)
{
    throttled_until_ = std::max(throttled_until_, until);
}

/// Arms the timer when only time is missing.
bool request_gate::admits_now()
{
    if (under_way_ >= concurrency_)
        return false;
    const steady_time now = loop_.now();
    const steady_time next = std::max(free_at_, throttled_until_);
    if (next > now) {
        loop_.arm(*this, next);
        return false;
    }
    ++under_way_;
    ++entered_;
    free_at_ = now + spacing_;
    return true;
}

void request_gate::let_in()
{
    for (line* l : {&urgent_, &normal_}) {
        while (!l->empty()) {
            if (!admits_now())
                return;
            wait& first = *l->front();
            l->pop_front();
            first.granted_ = true;
            first.complete();
        }
    }
}

void request_gate::on_due()
{
    let_in();
}

void request_gate::leave() noexcept
{
    --under_way_;
    let_in();
}

request_gate::wait::~wait()
{
    abandon();
    if (granted_)
        gate_->leave();
}

request_gate::pass request_gate::wait::await_resume()
{
    throw_if_cancelled();
    granted_ = false;
    return pass(*gate_);
}

bool request_gate::wait::start()
{
    const bool nobody_before = my_line().empty() && gate_->urgent_.empty();
    if (nobody_before && gate_->admits_now()) {
        granted_ = true;
        return false;
    }
    place_ = my_line().insert(my_line().end(), this);
    return true;
}

bool request_gate::wait::withdraw() noexcept
{
    my_line().erase(place_);
    return true;
}

} // namespace potoo
