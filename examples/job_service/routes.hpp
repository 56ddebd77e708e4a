#pragma once

#include "dispatcher.hpp"
#include "faults.hpp"
#include "job_table.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace job_service {

using request = boost::beast::http::request<boost::beast::http::string_body>;

struct response
{
    unsigned status = 200;
    std::string_view content_type = "application/json";
    std::string headers; // further ones, each line ended
    std::string body;
};

/// An error as a problem document (RFC 9457).
response problem(unsigned status, std::string_view detail);

struct statistics
{
    std::array<std::uint64_t, route_names.size()> requests{};
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_open = 0;
};

/// A request whose route and parameters are understood, or that is refused.
struct call
{
    route which = route::unknown;
    std::string_view id; // part of the request's target
    job_table::filter filter;
    std::uint64_t offset = 0;
    std::chrono::milliseconds wait{0};
    std::optional<response> refusal;
};

/// What the service does, request by request.
class routes
{
  public:
    struct settings
    {
        bool deduplicate = false;
        std::size_t query_limit = 100; // ids or tokens in one query
    };

    routes(job_table& table, dispatcher& jobs, fault_switches& faults, statistics& counted, settings chosen)
        : table_(table), dispatcher_(jobs), faults_(faults), statistics_(counted), settings_(chosen)
    {}

    call recognise(const request& asked) const;

    /// The job whose change the call waits for; null when there is nothing to wait for (any more).
    job_ptr awaited_by(const call& made) const;

    /// Does the work. `stale` answers with states of before the last change.
    response answer(const call& made, const request& asked, bool stale);

  private:
    response submit(const request& asked);
    response list(const call& made, bool stale) const;
    response query(const request& asked, bool stale) const;
    response status(const job_ptr& subject, bool stale) const;
    response cancel(const job_ptr& subject);
    response log(const call& made, const job& subject) const;
    response forget(const job_ptr& subject);
    response stats() const;
    response put_faults(const request& asked);
    response reset();
    response answer_for_job(const call& made, bool stale);
    void read_parameters(std::string_view target, call& made) const;
    void read_parameter(const std::string& name, const std::string& value, call& made) const;

    job_table& table_;
    dispatcher& dispatcher_;
    fault_switches& faults_;
    statistics& statistics_;
    settings settings_;
};

} // namespace job_service
