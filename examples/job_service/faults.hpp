#pragma once

#include <boost/json/object.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace job_service {

/// What a request asks for. The first ones can be disturbed by faults, the others serve to control the service.
enum class route : std::uint8_t
{
    submit,
    status,
    list,
    query,
    cancel,
    log,
    forget,
    stats,
    get_faults,
    put_faults,
    reset,
    unknown
};
inline constexpr std::array<std::string_view, 12> route_names{"submit",     "status",     "list",   "query",
                                                              "cancel",     "log",        "forget", "stats",
                                                              "get_faults", "put_faults", "reset",  "unknown"};
inline constexpr std::size_t disturbed_routes = 6;

enum class fault : std::uint8_t
{
    delay,
    drop_request,
    throttle,
    server_error,
    hang,
    drop_response,
    garbage,
    truncate,
    stale_status
};
inline constexpr std::array<std::string_view, 9> fault_names{"delay_ms",     "drop_request", "throttle",
                                                             "server_error", "hang",         "drop_response",
                                                             "garbage",      "truncate",     "stale_status"};

/// What is to go wrong with one request.
struct fault_plan
{
    std::chrono::milliseconds delay{0};
    std::optional<fault> instead_of_work; // drop_request, throttle, server_error
    std::optional<fault> after_work;      // hang, drop_response, garbage, truncate
    bool stale = false;
    std::uint64_t retry_after = 0; // seconds
};

/// Faults that happen by chance, the same ones for the same seed and the same requests.
class fault_switches
{
  public:
    /// Replaces all switches by those of a document; throws bad_request and changes nothing if it is wrong.
    void replace(const boost::json::object& document);
    boost::json::object describe() const;

    fault_plan plan_for(route asked);

  private:
    struct rule
    {
        double probability = 1;
        std::optional<std::uint64_t> remaining;
        std::uint32_t routes = (1U << disturbed_routes) - 1; // a bit per route
        std::uint64_t amount = 1;                            // of delay_ms and throttle
        std::uint64_t fired = 0;
        std::uint64_t random_state = 0;
    };

    static rule rule_from(fault which, const boost::json::value& description);
    std::optional<fault> first_that_fires(fault first, fault last, route asked);
    bool fires(fault which, route asked);

    std::array<std::optional<rule>, fault_names.size()> rules_;
    std::uint64_t seed_ = 1;
    bool any_ = false;
};

} // namespace job_service
