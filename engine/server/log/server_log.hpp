#pragma once
/// @file
/// The server's log on standard error: one line for each thing that whoever runs the server may want to know.

#include "engine/server/config/server_config.hpp"

#include <string_view>

namespace potoo::server {

class server_log
{
  public:
    explicit server_log(log_format format) noexcept : format_(format) {}

    /// `TIME TEXT`, further lines of the text indented, or `{"at": TIME, "message": TEXT}`. Never
    /// throws: there is nobody else to tell.
    void say(std::string_view text) const noexcept;

  private:
    log_format format_;
};

} // namespace potoo::server
