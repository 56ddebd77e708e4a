#pragma once
#include "json.hpp"

#include <boost/asio.hpp>
