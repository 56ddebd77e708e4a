#include "engine/cli/display/output.hpp"

#include <cerrno>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace potoo::cli {

void output::write(std::string_view text)
{
    pending_ += text;
    if (pending_.size() >= piece)
        flush();
}

void output::flush()
{
    const std::string text = std::exchange(pending_, {});
    if (!text.empty())
        pass_on(text);
}

void file_output::pass_on(std::string_view text)
{
    while (!text.empty()) {
        const ssize_t n = ::write(descriptor_, text.data(), text.size());
        if (n >= 0) {
            text.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN) {
            // Whoever shares the descriptor has made it non-blocking.
            pollfd p{descriptor_, POLLOUT, 0};
            ::poll(&p, 1, -1);
            continue;
        }
        if (errno == EPIPE)
            throw output_closed();
        throw std::system_error(errno, std::generic_category(),
                                descriptor_ == STDOUT_FILENO ? "standard output cannot be written"
                                                             : "standard error cannot be written");
    }
}

} // namespace potoo::cli
