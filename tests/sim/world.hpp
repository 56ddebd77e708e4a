#pragma once
// Everything that outlives an engine: time, services, network, disk, and who looks at all of it.

#include "checker.hpp"
#include "event_queue.hpp"
#include "lossy_store.hpp"
#include "network.hpp"
#include "scenario.hpp"
#include "service.hpp"
#include "trace.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace potoo::sim {

struct world
{
    world(const scenario& s, bool print_trace);
    ~world();

    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// The one that is being simulated, for the operators.
    [[nodiscard]] static world& current();

    [[nodiscard]] wall_time wall_now() const;

    const scenario& plan;
    event_queue events;
    trace log;
    std::vector<std::unique_ptr<service>> services;
    network net;
    lossy_store store;
    checker check;
    duration wall_offset{0}; ///< how far the wall clock has jumped
    /// An attempt gives the token of a callback to the outside, which is to answer so.
    std::function<void(const std::string& token, json::value answer)> on_callback;
};

} // namespace potoo::sim
