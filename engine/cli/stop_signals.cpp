#include "engine/cli/stop_signals.hpp"

#include "engine/cli/display/exit_code.hpp"

#include <boost/asio/buffer.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace potoo::cli {

namespace {

constexpr long long same_moment_ns = 150'000'000;

// What the handlers see.
std::atomic<int> pipe_to_loop{-1};
std::atomic<const char*> restore_text{nullptr};
std::atomic<long long> first_at{0};

static_assert(std::atomic<long long>::is_always_lock_free);

long long now_ns() noexcept
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

void restore_terminal() noexcept
{
    if (const char* text = restore_text.load()) {
        const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
        static_cast<void>(written);
    }
}

void tell_loop(int signal) noexcept
{
    const char number = static_cast<char>(signal);
    const auto written = ::write(pipe_to_loop.load(), &number, 1);
    static_cast<void>(written);
}

void on_hangup_signal(int signal)
{
    const int saved_errno = errno;
    tell_loop(signal);
    errno = saved_errno;
}

void on_stop_signal(int signal)
{
    const int saved_errno = errno;
    const long long now = now_ns();
    long long none = 0;
    if (first_at.compare_exchange_strong(none, now)) {
        tell_loop(signal);
    } else if (now - none > same_moment_ns) {
        restore_terminal();
        ::_exit(static_cast<int>(exit_code::interrupted));
    }
    errno = saved_errno;
}

void on_suspend(int signal)
{
    const int saved_errno = errno;
    restore_terminal();
    struct sigaction own{};
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, &own);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    ::raise(signal);
    // Blocked in its own handler: let it through, which stops the process here until it is continued.
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::pthread_sigmask(SIG_BLOCK, &only, nullptr);
    ::sigaction(signal, &own, nullptr);
    errno = saved_errno;
}

using signal_handler = void (*)(int);

signal_handler handler_of(int signal, bool hangup_is_no_stop)
{
    switch (signal) {
    case SIGPIPE:
        return SIG_IGN;
    case SIGTSTP:
        return on_suspend;
    case SIGHUP:
        return hangup_is_no_stop ? on_hangup_signal : on_stop_signal;
    default:
        return on_stop_signal;
    }
}

} // namespace

stop_signals::stop_signals(boost::asio::io_context& context, const char* restore, std::function<void(int)> on_first,
                           std::function<void()> on_hangup)
    : read_end_(context), on_first_(std::move(on_first)), on_hangup_(std::move(on_hangup))
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "a pipe for signals cannot be made");
    read_end_.assign(ends[0]);
    write_end_ = ends[1];
    pipe_to_loop = write_end_;
    restore_text = restore;
    first_at = 0;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        struct sigaction action{};
        action.sa_handler = handler_of(taken[i], static_cast<bool>(on_hangup_));
        action.sa_flags = SA_RESTART;
        ::sigaction(taken[i], &action, &before_[i]);
    }
    sigset_t mine;
    sigemptyset(&mine);
    for (const int s : taken)
        sigaddset(&mine, s);
    ::pthread_sigmask(SIG_UNBLOCK, &mine, &mask_before_);
    wait();
}

stop_signals::~stop_signals()
{
    for (std::size_t i = 0; i < taken.size(); ++i)
        ::sigaction(taken[i], &before_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    pipe_to_loop = -1;
    restore_text = nullptr;
    ::close(write_end_);
}

void stop_signals::wait()
{
    read_end_.async_read_some(boost::asio::buffer(&signal_, 1), [this](boost::system::error_code ec, std::size_t n) {
        if (ec || n != 1)
            return;
        if (signal_ != SIGHUP || !on_hangup_)
            return on_first_(signal_);
        on_hangup_();
        wait();
    });
}

std::string signal_name(int signal)
{
    const char* name = ::sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

} // namespace potoo::cli
