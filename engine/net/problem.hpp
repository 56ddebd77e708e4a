#pragma once
/// @file
/// Why an exchange failed, as it travels inside the client: what it means to the caller, and a sentence for people.

#include <potoo/http.hpp>

#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace potoo::net {

/// `detail` names hosts, paths and causes; never a header's value, a body, or credentials of a URL.
struct problem
{
    /// Asked for by `boost::system::result` for the error of a success.
    problem() = default;

    problem(http_error c, std::string d) : code(c), detail(std::move(d)) {}

    http_error code = http_error::bad_url;
    std::string detail;
};

/// What `value()` of a failure throws.
[[noreturn]] inline void throw_exception_from_error(const problem& p, const boost::source_location&)
{
    throw boost::system::system_error(p.code, p.detail);
}

template <class T>
using or_problem = boost::system::result<T, problem>;

} // namespace potoo::net
