#include "engine/process/child_start.hpp"

#include "engine/process/guardian.hpp"
#include "engine/process/pipe.hpp"
#include "engine/process/signals.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

namespace potoo::process {

namespace {

struct child_report
{
    child_step step;
    int error;
};

bool arrange_descriptors(const child_plan& plan) noexcept
{
    const int input = plan.input >= 0 ? plan.input : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    // Without its standard descriptors the engine may get number 0 here.
    if (input < 0 || (input == 0 ? ::fcntl(0, F_SETFD, 0) : ::dup2(input, 0)) != 0)
        return false;
    return ::dup2(plan.output, 1) == 1 && ::dup2(plan.error, 2) == 2 &&
           ::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

/// @return the step that failed, with `errno`; does not return when none does
child_step become(const child_plan& plan) noexcept
{
    if (::setpgid(0, 0) != 0)
        return child_step::group;
    if (!guardian::enrol(plan.guardian, ::getpid()))
        return child_step::enrol;
    reset_signal_actions();
    if (!arrange_descriptors(plan))
        return child_step::descriptors;
    if (plan.directory && ::chdir(plan.directory) != 0)
        return child_step::directory;
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.program, plan.arguments, plan.environment);
    return child_step::execute;
}

/// A function of its own, never inlined: the child runs on this stack, with this memory, until it executes its program,
/// so nothing of a caller may be kept in what it overwrites.
[[gnu::noinline]] pid_t fork_sharing_memory(const child_plan& plan, int report) noexcept
{
    // posix_spawn cannot enrol the group with the guardian.
    const pid_t pid = ::vfork(); // NOLINT(bugprone-unsafe-functions)
    if (pid == 0) {
        child_report r{};
        r.step = become(plan);
        r.error = errno;
        // A report that cannot be written leaves exit code 127, as shells have it.
        [[maybe_unused]] const ssize_t written = ::write(report, &r, sizeof r);
        ::_exit(127);
    }
    return pid;
}

} // namespace

child_started start_child(const child_plan& plan) noexcept
{
    child_started started;
    pipe_ends report;
    try {
        report = make_pipe();
    } catch (const std::system_error& e) {
        started.error = e.code().value();
        return started;
    }
    {
        const all_signals_blocked quiet;
        started.pid = fork_sharing_memory(plan, report.write.get());
        if (started.pid < 0)
            started.error = errno;
    }
    report.write.close();
    if (started.pid < 0)
        return started;
    child_report r{};
    ssize_t got = -1;
    do {
        got = ::read(report.read.get(), &r, sizeof r);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof r)) {
        started.failed = r.step;
        started.error = r.error;
    }
    return started;
}

} // namespace potoo::process
