#pragma once

#include <stdexcept>

namespace job_service {

/// Something a client sent is wrong; the text says what and where. Answered with 400.
struct bad_request : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

} // namespace job_service
