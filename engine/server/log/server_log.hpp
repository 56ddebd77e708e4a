#pragma once
/// @file
/// The server's log on standard error: one line for each thing that whoever runs the server may want to know.

#include "engine/server/config/server_config.hpp"
#include "engine/server/log/log.hpp"

#include <string_view>

namespace potoo::server {

class server_log
{
  public:
    explicit server_log(log_format format) : log_({format, log_level::info, log::stderr_is_journald()}) {}

    /// Never throws: there is nobody else to tell.
    void say(std::string_view text) const noexcept { record(log_level::info, text); }

    void complain(std::string_view text) const noexcept { record(log_level::error, text); }

  private:
    void record(log_level l, std::string_view text) const noexcept;

    server::log log_;
};

} // namespace potoo::server
