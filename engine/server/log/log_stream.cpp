#include "engine/server/log/log_stream.hpp"

#include <algorithm>
#include <cerrno>

#include <limits.h>
#include <poll.h>
#include <unistd.h>

namespace potoo::server {
namespace {

/// A pipe that is ready takes so much without a wait. To make the descriptor itself non-blocking would change it for
/// all who share it.
bool takes_more(int fd)
{
    ::pollfd p{fd, POLLOUT, 0};
    return ::poll(&p, 1, 0) > 0;
}

} // namespace

bool log_stream::write(std::string_view line)
{
    if (!has_room(line.size()))
        return false;
    kept_ += line;
    flush();
    return true;
}

bool log_stream::has_room(std::size_t bytes)
{
    flush();
    return kept_.empty() || kept_.size() - given_ + bytes <= room_;
}

void log_stream::flush()
{
    while (given_ < kept_.size() && takes_more(fd_)) {
        const std::size_t piece = std::min<std::size_t>(kept_.size() - given_, PIPE_BUF);
        const ssize_t n = ::write(fd_, kept_.data() + given_, piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        // There is nobody to tell that the log is full, or its reader gone.
        given_ = n > 0 ? given_ + static_cast<std::size_t>(n) : kept_.size();
    }
    if (given_ == kept_.size() || given_ > room_) {
        kept_.erase(0, given_);
        given_ = 0;
    }
}

} // namespace potoo::server
