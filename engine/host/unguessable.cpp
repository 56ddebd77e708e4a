#include "engine/host/host_ports.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace potoo::host {

std::uint64_t number_of_the_system()
{
    std::uint64_t n = 0;
    if (::getentropy(&n, sizeof n) != 0)
        throw std::system_error(errno, std::generic_category(), "the system gives no random numbers");
    return n;
}

} // namespace potoo::host
