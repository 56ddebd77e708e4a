#pragma once
/// @file
/// A task's service as the attempts of one run see it: what they share of their requests, who asks about their jobs,
/// and where their other requests line up.

#include "http_job_description.hpp"

#include <potoo/context.hpp>
#include <potoo/http.hpp>
#include <potoo/json.hpp>
#include <potoo/request_gate.hpp>
#include <potoo/watcher.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

class status_watcher;

/// What the connection that a task names says of its service.
struct connection_settings
{
    std::string url; ///< before a request's URL that begins with `/`
    std::vector<http_header> headers;
    request_gate::limits requests; ///< submissions, searches, cancellations
    watcher::limits polls;         ///< `page` is the most that one call may ask about; 0 = what the task says

    /// Puts in what the request leaves open.
    void complete(http_request& r) const;
};

/// How long the service asks to be left alone; nothing when it does not.
[[nodiscard]] std::optional<duration> asked_pause(const http_response& r, wall_time now);

struct endpoint
{
    std::shared_ptr<const description> what;
    connection_settings connection;
    status_watcher& asker;
    request_gate& gate;
    std::shared_ptr<const http_prepared> status; ///< null: the request is rendered for each look

    /// One request, rendered.
    [[nodiscard]] http_request request(const field& f, const bindings& b) const;

    /// The request about one job.
    [[nodiscard]] http_request request_about(context& ctx, const field& f, std::string_view id) const;

    /// A response may ask for a pause, which holds for everything that goes to the service.
    void heed(potoo::loop& l, const http_response& r) const;
};

/// The one that this attempt shares with those whose requests differ in the job alone.
/// @throws fatal when the description or the connection is wrong
[[nodiscard]] std::shared_ptr<const endpoint> endpoint_for(context& ctx);

} // namespace potoo::http_job
