#include "engine/process/running_process.hpp"

#include "engine/process/child_start.hpp"
#include "engine/process/pipe.hpp"
#include "engine/process/program_lookup.hpp"

#include <potoo/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace potoo::process {

namespace {

[[noreturn]] void fail_to_start(std::string_view name, std::string_view why)
{
    throw failure(fmt::format("cannot start `{}`: {}", name, why), "cannot_start");
}

std::string text_of(int error)
{
    if (error == EMFILE || error == ENFILE)
        return "too many open files: raise the limit (ulimit -n)";
    return std::system_category().message(error);
}

/// A zero byte would silently cut the text for the child.
void refuse_zero_bytes(const process_spec& spec)
{
    const auto has_zero = [](const std::string& s) { return s.find('\0') != std::string::npos; };
    const std::string& name = spec.arguments.front();
    for (std::size_t i = 0; i < spec.arguments.size(); ++i)
        if (has_zero(spec.arguments[i]))
            fail_to_start(name, fmt::format("argument {} holds a zero byte", i));
    for (const std::string& variable : spec.environment)
        if (has_zero(variable))
            fail_to_start(name, fmt::format("the environment variable {} holds a zero byte",
                                            variable.substr(0, variable.find('='))));
    if (has_zero(spec.directory))
        fail_to_start(name, "its directory holds a zero byte");
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts)
{
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& t : texts)
        out.push_back(const_cast<char*>(t.c_str()));
    out.push_back(nullptr);
    return out;
}

/// Writing to a pipe that nobody reads raises SIGPIPE, and pipes know no MSG_NOSIGNAL.
ssize_t write_without_signal(int fd, std::string_view data) noexcept
{
    sigset_t broken_pipe;
    sigset_t before;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    const ssize_t n = ::write(fd, data.data(), data.size());
    const int error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&before, SIGPIPE)) {
        const timespec now{};
        while (::sigtimedwait(&broken_pipe, nullptr, &now) < 0 && errno == EINTR) {}
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return n;
}

/// glibc 2.36 declares `pidfd_open` without C linkage.
descriptor watch(pid_t pid) noexcept
{
    return descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

process_end end_of(const siginfo_t& info) noexcept
{
    process_end end;
    if (info.si_code == CLD_EXITED)
        end.exit_code = info.si_status;
    else
        end.signal = info.si_status;
    return end;
}

} // namespace

running_process::running_process(std::shared_ptr<process_host> host, potoo::loop& l, process_spec spec)
    : host_(std::move(host)), end_(l.executor()), input_(l.executor()), output_(l.executor()), error_(l.executor())
{
    if (spec.arguments.empty())
        throw failure("cannot start a program without a name", "cannot_start");
    refuse_zero_bytes(spec);
    name_ = spec.arguments.front();
    start(spec);
    unwritten_ = std::move(spec.input);
}

void running_process::start(const process_spec& spec)
{
    const std::string path = find_program({name_, spec.environment, spec.directory});
    const std::vector<char*> arguments = pointers_to(spec.arguments);
    const std::vector<char*> environment = pointers_to(spec.environment);
    try {
        host_->keeper.start();
        pipe_ends input;
        if (!spec.input.empty())
            input = make_pipe();
        pipe_ends output = make_pipe();
        pipe_ends error = make_pipe();
        child_plan plan;
        plan.program = path.c_str();
        plan.arguments = arguments.data();
        plan.environment = environment.data();
        plan.directory = spec.directory.empty() ? nullptr : spec.directory.c_str();
        plan.input = input.read.get();
        plan.output = output.write.get();
        plan.error = error.write.get();
        plan.guardian = host_->keeper.socket();
        child_started child = start_child(plan);
        if (child.error != 0 && child.failed == child_step::enrol) {
            if (child.pid > 0)
                ::waitpid(child.pid, nullptr, 0);
            host_->keeper.restart();
            plan.guardian = host_->keeper.socket();
            child = start_child(plan);
        }
        pid_ = child.pid;
        if (child.error != 0)
            give_up(spec, path, child.failed, child.error);
        host_->keeper.admit(pid_);

        descriptor end = watch(pid_);
        if (!end)
            throw std::system_error(errno, std::system_category(), "cannot watch a process");
        end_.assign(end.get());
        static_cast<void>(end.release());
        for (auto [to, from] :
             {std::pair(&output_, &output.read), std::pair(&error_, &error.read), std::pair(&input_, &input.write)}) {
            if (!*from)
                continue;
            to->assign(from->get());
            static_cast<void>(from->release());
            to->non_blocking(true);
        }
    } catch (const std::system_error& e) {
        if (pid_ > 0) {
            signal_group(SIGKILL);
            static_cast<void>(reap_within_moments());
        }
        fail_to_start(name_, text_of(e.code().value()));
    }
}

void running_process::give_up(const process_spec& spec, const std::string& path, child_step step, int error)
{
    if (pid_ > 0) {
        host_->keeper.dismiss(pid_);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    switch (step) {
    case child_step::directory:
        fail_to_start(name_, fmt::format("cannot change to its directory {}: {}", spec.directory, text_of(error)));
    case child_step::execute:
        fail_to_start(name_, explain_exec_error({name_, spec.environment, spec.directory}, path, error));
    case child_step::enrol:
        fail_to_start(name_, "the guardian process does not answer: " + text_of(error));
    case child_step::fork:
    case child_step::group:
    case child_step::descriptors:
        break;
    }
    fail_to_start(name_, text_of(error));
}

running_process::~running_process()
{
    if (pid_ <= 0)
        return;
    signal_group(SIGKILL);
    // One that cannot die yet (it hangs in the kernel) stays enrolled, and is never reaped.
    static_cast<void>(reap_within_moments());
}

bool running_process::reap_within_moments() noexcept
{
    constexpr int patience_ms = 1000;
    if (end_.is_open()) {
        pollfd p{.fd = end_.native_handle(), .events = POLLIN, .revents = 0};
        if (::poll(&p, 1, patience_ms) != 1)
            return false;
    }
    host_->keeper.dismiss(pid_);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
    pid_ = -1;
    return true;
}

bool running_process::has_ended() const
{
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(const_cast<stream&>(end_).native_handle()), &info,
                    WEXITED | WNOWAIT | WNOHANG) != 0) {
        if (errno == EINTR)
            continue;
        throw failure(
            fmt::format("the end of `{}` is not known: {}; something else in this program waits for all children",
                        name_, text_of(errno)));
    }
    return info.si_pid != 0;
}

read_outcome running_process::read(output_stream s, const output_sink& sink)
{
    stream& from = output(s);
    auto& buffer = host_->buffer;
    const ssize_t n = ::read(from.native_handle(), buffer.data(), buffer.size());
    if (n > 0) {
        sink(s, std::string_view(buffer.data(), static_cast<std::size_t>(n)));
        return read_outcome::delivered;
    }
    if (n == 0) {
        from.close();
        return read_outcome::ended;
    }
    if (errno == EAGAIN || errno == EINTR)
        return read_outcome::nothing_yet;
    throw failure(fmt::format("cannot read the output of `{}`: {}", name_, text_of(errno)));
}

void running_process::drain(const output_sink& sink)
{
    constexpr std::size_t most_reads = (std::size_t{1} << 20) / std::tuple_size_v<decltype(process_host::buffer)>;
    for (const output_stream s : {output_stream::standard_output, output_stream::standard_error})
        for (std::size_t i = 0; i < most_reads && output(s).is_open() && read(s, sink) == read_outcome::delivered;
             ++i) {}
}

bool running_process::write_input()
{
    if (!input_.is_open())
        return true;
    const ssize_t n = write_without_signal(input_.native_handle(), std::string_view(unwritten_).substr(written_));
    if (n >= 0)
        written_ += static_cast<std::size_t>(n);
    else if (errno != EPIPE && errno != EAGAIN && errno != EINTR)
        throw failure(fmt::format("cannot write to the standard input of `{}`: {}", name_, text_of(errno)));
    const bool nobody_reads = n < 0 && errno == EPIPE;
    if (written_ < unwritten_.size() && !nobody_reads)
        return false;
    close_input();
    return true;
}

void running_process::close_input() noexcept
{
    boost::system::error_code ignored;
    // NOLINTNEXTLINE(bugprone-unused-return-value): a pipe that was closed stays closed, whatever close says
    input_.close(ignored);
    unwritten_ = std::string();
    written_ = 0;
}

void running_process::signal_group(int signal) const noexcept
{
    ::kill(-pid_, signal);
}

process_end running_process::reap()
{
    host_->keeper.dismiss(pid_);
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(end_.native_handle()), &info, WEXITED) != 0) {
        if (errno != EINTR)
            throw failure(fmt::format("the end of `{}` is not known: {}", name_, text_of(errno)));
    }
    pid_ = -1;
    return end_of(info);
}

} // namespace potoo::process
