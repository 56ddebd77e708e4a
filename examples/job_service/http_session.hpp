#pragma once

#include "asio_types.hpp"
#include "routes.hpp"

#include <memory>

namespace job_service {

/// What all connections work on; outlives them.
struct shared_parts
{
    routes& handlers;
    fault_switches& faults;
    statistics& counted;
};

/// Serves one connection until its client closes it or a fault does.
awaitable<void> serve_connection(std::shared_ptr<tcp_socket> socket, shared_parts parts);

} // namespace job_service
