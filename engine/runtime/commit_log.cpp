#include "engine/runtime/commit_log.hpp"

#include <boost/asio/post.hpp>

#include <atomic>

namespace potoo::runtime {

/// Outlives the log for as long as a message from the writer's thread is on its way.
struct commit_log::state
{
    counter durable;
    listener* who = nullptr;
    bool open = true;
    std::atomic<bool> notice_posted{false};
    std::atomic<journal::position> written{0};

    /// One append on its way.
    bool sample_settled = true;
    journal::position sample = 0;
    steady_time sampled_at;
    latency_histogram latency;
};

namespace {

/// Commits come faster than the loop turns; one message tells of all of them.
template <class State>
void tell_durable(const std::shared_ptr<State>& s, potoo::loop& l)
{
    s->notice_posted.store(false, std::memory_order_release);
    if (!s->open)
        return;
    const journal::position p = s->written.load(std::memory_order_acquire);
    s->durable.advance_to(p);
    if (!s->sample_settled && p >= s->sample) {
        s->latency.add(l.now() - s->sampled_at);
        s->sample_settled = true;
    }
    if (s->who)
        s->who->durable(p);
}

template <class State>
journal::writer_events events_of(const std::shared_ptr<State>& s, potoo::loop& l)
{
    const auto executor = l.executor();
    journal::writer_events events;
    events.durable = [s, &l, executor](journal::position p) {
        s->written.store(p, std::memory_order_release);
        if (!s->notice_posted.exchange(true, std::memory_order_acq_rel))
            boost::asio::post(executor, [s, &l] { tell_durable(s, l); });
    };
    events.failed = [s, executor](const journal::store_error& e) {
        boost::asio::post(executor, [s, why = e] {
            if (s->open && s->who)
                s->who->write_failed(why);
        });
    };
    events.recovered = [s, executor] {
        boost::asio::post(executor, [s] {
            if (s->open && s->who)
                s->who->write_recovered();
        });
    };
    return events;
}

} // namespace

commit_log::commit_log(potoo::loop& l, journal::store& store, journal::writer_mode mode)
    : loop_(l), state_(std::make_shared<state>()), sample_settled_(&state_->sample_settled), executor_(l.executor()),
      writer_(store, events_of(state_, l), mode)
{}

commit_log::~commit_log()
{
    writer_.stop();
    state_->open = false;
}

void commit_log::set_listener(listener* who) noexcept
{
    state_->who = who;
}

void commit_log::take_sample(journal::position p) noexcept
{
    if (writer_.durable() >= p)
        return;
    state_->sample_settled = false;
    state_->sample = p;
    state_->sampled_at = loop_.now();
}

const latency_histogram& commit_log::latency() const noexcept
{
    return state_->latency;
}

steady_clock::duration commit_log::waiting_for() const noexcept
{
    if (state_->sample_settled || writer_.durable() >= state_->sample)
        return {};
    return loop_.now() - state_->sampled_at;
}

counter::wait commit_log::reached(journal::position p) noexcept
{
    if (writer_.durable() >= p)
        state_->durable.advance_to(p);
    return state_->durable.reached(p);
}

void commit_log::prune(journal::retention keep, wall_time now, std::function<void(const journal::prune_result&)> done)
{
    writer_.prune(std::move(keep), now,
                  [s = state_, executor = executor_, done = std::move(done)](const journal::prune_result& r) {
                      boost::asio::post(executor, [s, done, r] {
                          if (s->open)
                              done(r);
                      });
                  });
}

journal::position commit_log::append(journal::entry_change change, std::function<void(bool)> done)
{
    return writer_.append(std::move(change),
                          [s = state_, executor = executor_, done = std::move(done)](bool took_effect) mutable {
                              boost::asio::post(executor, [s, done = std::move(done), took_effect] {
                                  if (s->open)
                                      done(took_effect);
                              });
                          });
}

std::size_t commit_log::stop()
{
    return writer_.stop();
}

} // namespace potoo::runtime
