#include "world.hpp"

#include <utility>

namespace potoo::sim {
namespace {

world* current_world = nullptr;

std::vector<std::unique_ptr<service>> make_services(const scenario& s, trace& log)
{
    std::vector<std::unique_ptr<service>> services;
    for (const service_plan& p : s.services)
        services.push_back(std::make_unique<service>(p, s.seed, log));
    return services;
}

} // namespace

world::world(const scenario& s, bool print_trace)
    : plan(s), log(events, print_trace), services(make_services(s, log)), net(s, events, log, services),
      check(s, events, log, services)
{
    current_world = this;
    for (const auto& each : services)
        each->on_accept([this](const job& j) { check.accepted(j); });
    net.on_submit([this](const std::string& token) { check.submission_sent(token); });
    store.on_durable([this](const journal::batch& b) { check.durable(b); });
}

world::~world()
{
    current_world = nullptr;
}

world& world::current()
{
    return *current_world;
}

wall_time world::wall_now() const
{
    using namespace std::chrono;
    return wall_time(sys_days(2026y / January / 1d)) + events.elapsed() + wall_offset;
}

} // namespace potoo::sim
