#pragma once

#include "job_table.hpp"

#include <boost/json/object.hpp>

#include <string_view>

namespace job_service {

/// The JSON object in a request's body; throws bad_request with line and column if it is none.
boost::json::object object_in(std::string_view body);

/// The job that a POST /jobs asks for; throws bad_request. `header_token` is the Idempotency-Key, empty if absent.
job_request submission_from(const boost::json::object& document, std::string_view header_token);

/// A short name of what was found in place of what was expected: "a number", "an object" …
std::string_view kind_of(const boost::json::value& found);

} // namespace job_service
