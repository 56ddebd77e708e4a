#include "engine/server/log/server_log.hpp"

#include <cstdio>
#include <exception>

namespace potoo::server {

void server_log::record(log_level l, std::string_view text) const noexcept
{
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    try {
        log_.write(l, text);
    } catch (const std::exception& e) {
        std::fputs(e.what(), stderr);
    }
}

} // namespace potoo::server
