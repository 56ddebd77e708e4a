#include "engine/process/pipe.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace potoo::process {

namespace {

/// The engine may have been started with its standard descriptors closed.
void move_above_standard(descriptor& d)
{
    constexpr int first_free = 3;
    if (d.get() >= first_free)
        return;
    const int moved = ::fcntl(d.get(), F_DUPFD_CLOEXEC, first_free);
    if (moved < 0)
        throw std::system_error(errno, std::system_category(), "cannot make a pipe");
    d = descriptor(moved);
}

} // namespace

pipe_ends make_pipe()
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::system_category(), "cannot make a pipe");
    pipe_ends p{descriptor(ends[0]), descriptor(ends[1])};
    move_above_standard(p.read);
    move_above_standard(p.write);
    return p;
}

} // namespace potoo::process
