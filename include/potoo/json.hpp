#pragma once
/// @file
/// JSON values are Boost.JSON values. Write `json::value("x")` for a string: `json::value{"x"}` is an array.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

namespace potoo {
namespace json = boost::json;
} // namespace potoo
