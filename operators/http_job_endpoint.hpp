#pragma once
/// @file
/// A task's service as the attempts of one run see it: what they share of their requests, who asks about their jobs,
/// and where their other requests line up.

#include "http_job_description.hpp"

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/http_failure.hpp>
#include <potoo/json.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

class status_watcher;

/// What the connection that a task names says of its service.
struct connection_settings
{
    std::string url;                  ///< before a request's URL that begins with `/`
    std::string server;               ///< of `url`; empty without one
    std::vector<http_header> headers; ///< for requests to `server`, or for all when that is empty
    request_gate::limits requests;    ///< submissions, searches, cancellations
    watcher::limits polls;            ///< `page` is the most that one call may ask about; 0 = what the task says

    [[nodiscard]] std::string whole_url(std::string given) const;

    /// Puts in what the request leaves open. Another server gets none of the headers.
    void complete(http_request& r) const;
};

/// Everything that speaks to a server, by `server_of`, so that a pause that it asks for holds for all of that.
class server_pauses
{
  public:
    explicit server_pauses(potoo::loop& l) : loop_(l) {}

    /// They must not be destroyed before the last `pause`.
    void add(const std::string& server, status_watcher& w);
    void add(const std::string& server, request_gate& g);

    void pause(const std::string& server, steady_time until);

  private:
    struct speakers
    {
        steady_time until = steady_time::min();
        std::set<status_watcher*> askers;
        std::set<request_gate*> gates;
    };

    potoo::loop& loop_;
    std::map<std::string, speakers, std::less<>> servers_;
};

[[nodiscard]] inline bool is_good(const http_response& r) noexcept
{
    return r.status >= 200 && r.status <= 299;
}

struct endpoint
{
    std::shared_ptr<const description> what;
    connection_settings connection;
    status_watcher& asker;
    request_gate& gate;
    server_pauses& pauses;
    std::shared_ptr<const http_prepared> status; ///< null: the request is rendered for each look

    /// One request, rendered.
    [[nodiscard]] http_request request(const field& f, const bindings& b) const;

    /// The request about one job.
    [[nodiscard]] http_request request_about(context& ctx, const field& f, std::string_view id) const;

    /// The response to a request to that URL may ask for a pause, which holds for everything that goes to the server.
    void heed(potoo::loop& l, std::string_view url, const http_response& r) const;
};

/// The one that this attempt shares with those whose requests differ in the job alone.
/// @throws fatal when the description or the connection is wrong
[[nodiscard]] std::shared_ptr<const endpoint> endpoint_for(context& ctx);

} // namespace potoo::http_job
