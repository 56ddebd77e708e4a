#include "engine/cli/stop_wait.hpp"

#include <poll.h>
#include <unistd.h>

namespace potoo::cli {

stop_wait::stop_wait() : signals_(context_, nullptr, [this](int signal) { signal_ = signal; }) {}

void stop_wait::wait(std::chrono::milliseconds time)
{
    if (signal_ != 0)
        return;
    context_.restart();
    context_.run_one_for(time);
}

bool reader_has_gone()
{
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

} // namespace potoo::cli
