#include "engine/process/guardian.hpp"

#include "engine/process/signals.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <system_error>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace potoo::process {

namespace {

struct message
{
    enum class verb : std::uint32_t
    {
        enrol,
        dismiss,
        ready, ///< from the guardian, once, when it holds nothing of the engine any more
    };

    verb what;
    pid_t group;
};

bool send_message(int socket, message m) noexcept
{
    ssize_t sent = -1;
    do {
        sent = ::send(socket, &m, sizeof m, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(sizeof m);
}

/// The kernel's upper bound of `pid_max`. One bit for each: the engine never touches these pages.
constexpr pid_t pid_limit = pid_t{1} << 22;
constexpr pid_t word_bits = 64;
std::uint64_t enrolled[pid_limit / word_bits];

void note(const message& m) noexcept
{
    if (m.group <= 1 || m.group >= pid_limit)
        return;
    const std::uint64_t bit = std::uint64_t{1} << (m.group % word_bits);
    if (m.what == message::verb::enrol)
        enrolled[m.group / word_bits] |= bit;
    else if (m.what == message::verb::dismiss)
        enrolled[m.group / word_bits] &= ~bit;
}

void kill_enrolled() noexcept
{
    for (pid_t group = 0; group < pid_limit; ++group) {
        const std::uint64_t word = enrolled[group / word_bits];
        if (word == 0)
            group += word_bits - 1;
        else if ((word >> (group % word_bits)) & 1)
            ::kill(-group, SIGKILL);
    }
}

bool is_ready(int socket) noexcept
{
    message m;
    ssize_t got = -1;
    do {
        got = ::recv(socket, &m, sizeof m, 0);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof m);
}

/// The whole life of the guardian. Every signal is blocked; only system calls are made.
[[noreturn]] void guard(int socket) noexcept
{
    ::setsid();
    ::prctl(PR_SET_NAME, "potoo-guardian");
    if (::chdir("/") != 0 || ::dup2(socket, 0) != 0 || ::close_range(1, UINT_MAX, 0) != 0)
        ::_exit(1);
    if (!send_message(0, {message::verb::ready, 0}))
        ::_exit(1);
    message m;
    ssize_t got = 0;
    do {
        got = ::recv(0, &m, sizeof m, 0);
        if (got == static_cast<ssize_t>(sizeof m))
            note(m);
    } while (got > 0 || (got < 0 && errno == EINTR));
    kill_enrolled();
    ::_exit(0);
}

} // namespace

guardian::~guardian()
{
    if (pid_ > 0)
        let_end();
}

void guardian::start()
{
    if (pid_ > 0)
        return;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::system_error(errno, std::system_category(), "cannot make a socket for the guardian process");
    descriptor near(ends[0]);
    descriptor far(ends[1]);
    // A guardian that somebody stopped must not stop the engine.
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(near.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);

    {
        const all_signals_blocked quiet;
        pid_ = ::fork();
        if (pid_ == 0)
            guard(far.get());
    }
    if (pid_ < 0)
        throw std::system_error(errno, std::system_category(), "cannot start the guardian process");
    socket_ = std::move(near);
    far.close();
    if (!is_ready(socket())) {
        let_end();
        throw std::system_error(ENOSYS, std::system_category(), "the guardian process could not do its work");
    }
}

void guardian::restart()
{
    if (pid_ > 0)
        let_end();
    start();
    for (const pid_t group : groups_)
        if (!enrol(socket(), group))
            throw std::system_error(errno, std::system_category(), "cannot speak to the guardian process");
}

bool guardian::enrol(int socket, pid_t group) noexcept
{
    return send_message(socket, {message::verb::enrol, group});
}

void guardian::dismiss(pid_t group) noexcept
{
    groups_.erase(group);
    // Fails when the guardian is gone, and with it all that it knew; the next start of a child notices and starts
    // another.
    send_message(socket(), {message::verb::dismiss, group});
}

void guardian::let_end() noexcept
{
    socket_.close();
    // It might have been stopped by somebody.
    ::kill(pid_, SIGCONT);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
    pid_ = -1;
}

} // namespace potoo::process
