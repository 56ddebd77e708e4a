#include <potoo/postgres.hpp>

namespace potoo::postgres {
namespace {

constexpr duration longest_idle{60'000};

/// @return false when the session is of no use any more
task<bool> is_reset(connection& c, std::string name)
{
    try {
        co_await c.reset(std::move(name));
        co_return true;
    } catch (const error&) {}
    co_return false;
}

} // namespace

pool::pool(potoo::loop& l, settings s) : loop_(l), settings_(std::move(s)), slots_(settings_.connections) {}

pool::~pool()
{
    loop_.disarm(*this);
}

task<pool::lease> pool::acquire(std::string name)
{
    co_await slots_.acquire();
    lease mine(*this);
    while (!idle_.empty()) {
        mine.connection_ = std::move(idle_.back().session);
        idle_.pop_back();
        const bool good = co_await is_reset(*mine.connection_, name);
        if (good)
            co_return mine;
    }
    mine.connection_.reset();
    mine.connection_ = co_await connection::open(loop_, settings_, std::move(name));
    co_return mine;
}

void pool::give_back(std::unique_ptr<connection> c)
{
    if (c && c->usable() && !c->in_transaction()) {
        c->on_notice({});
        const steady_time now = loop_.now();
        idle_.push_back({std::move(c), now});
        if (!armed())
            loop_.arm(*this, now + longest_idle);
    }
    --used_;
    slots_.release();
}

void pool::on_due()
{
    const steady_time now = loop_.now();
    std::erase_if(idle_, [&](const idle_connection& i) { return i.since + longest_idle <= now; });
    if (!idle_.empty())
        loop_.arm(*this, idle_.front().since + longest_idle);
}

pool::lease::~lease()
{
    if (pool_)
        pool_->give_back(std::move(connection_));
}

void pool::lease::drop()
{
    connection_.reset();
}

} // namespace potoo::postgres
