#pragma once
/// @file
/// Signal state around the making of children.

#include <csignal>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace potoo::process {

/// No signal reaches this thread while one lives.
class all_signals_blocked
{
  public:
    all_signals_blocked() noexcept
    {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }

    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;

    ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

/// Gives every signal its default action, those that libc keeps for itself too. For a child before exec: makes plain
/// system calls only, because libc's `sigaction` may take locks.
inline void reset_signal_actions() noexcept
{
    constexpr int last_signal = 64;
    constexpr unsigned long kernel_mask_bytes = 8;
    // The kernel's `struct sigaction` of all zeros: default action, no flags, empty mask.
    const unsigned long default_action[4] = {};
    for (int s = 1; s <= last_signal; ++s)
        ::syscall(SYS_rt_sigaction, s, default_action, nullptr, kernel_mask_bytes);
}

} // namespace potoo::process
