#pragma once
/// @file
/// Why a request is not answered as it asks.

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace potoo::web {

struct refusal
{
    /// Asked for by `boost::system::result` for the error of a success.
    refusal() = default;

    refusal(unsigned s, std::string d) : status(s), detail(std::move(d)) {}

    unsigned status = 400; ///< as HTTP numbers it
    std::string detail;    ///< a sentence for who asked
};

/// What `value()` of a refused one throws.
[[noreturn]] inline void throw_exception_from_error(const refusal& r, const boost::source_location&)
{
    throw std::runtime_error(r.detail);
}

template <class T>
using or_refusal = boost::system::result<T, refusal>;

} // namespace potoo::web
