#pragma once
/// @file
/// Why libpq could not connect, as it tells in words.

#include <potoo/postgres.hpp>

#include <libpq-fe.h>

namespace potoo::postgres {

/// @param c has failed; its verbosity is `PQERRORS_VERBOSE`, so that what the server said holds the SQLSTATE
[[nodiscard]] error connect_error(const PGconn* c, const settings& s);

} // namespace potoo::postgres
