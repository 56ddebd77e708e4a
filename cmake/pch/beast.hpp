#pragma once
#include "asio.hpp"

#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
