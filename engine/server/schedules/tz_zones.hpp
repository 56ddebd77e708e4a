#pragma once
/// @file
/// Time zones of the system's tz database.

#include "engine/schedule/cron.hpp"

namespace potoo::server {

/// For `timetable`. Each zone is looked up once. As the library reads the database, clocks change up to 2037 only.
[[nodiscard]] schedule::zone_source tz_zones();

} // namespace potoo::server
