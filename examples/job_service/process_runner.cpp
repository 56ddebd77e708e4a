#include "process_runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <system_error>

namespace job_service {

namespace {

constexpr int drain_reads = 16; // of 64 KiB: a pipe holds no more than 1 MiB

[[noreturn]] void fail(int error, const std::string& what)
{
    throw std::system_error(error, std::generic_category(), what);
}

class file
{
  public:
    explicit file(int number = -1) : number_(number) {}

    file(file&& other) noexcept : number_(other.release()) {}

    file& operator=(file&&) = delete;

    ~file()
    {
        if (number_ >= 0)
            ::close(number_);
    }

    int number() const { return number_; }

    int release() { return std::exchange(number_, -1); }

  private:
    int number_;
};

std::pair<file, file> make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        fail(errno, "cannot make a pipe");
    return {file(ends[0]), file(ends[1])};
}

struct spawn_actions
{
    posix_spawn_file_actions_t native;

    spawn_actions() { posix_spawn_file_actions_init(&native); }

    spawn_actions(const spawn_actions&) = delete;
    spawn_actions& operator=(const spawn_actions&) = delete;

    ~spawn_actions() { posix_spawn_file_actions_destroy(&native); }
};

struct spawn_attributes
{
    posix_spawnattr_t native;

    spawn_attributes()
    {
        posix_spawnattr_init(&native);
        sigset_t signals;
        sigfillset(&signals);
        posix_spawnattr_setsigdefault(&native, &signals);
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&native, &signals);
        posix_spawnattr_setpgroup(&native, 0);
        posix_spawnattr_setflags(&native, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }

    spawn_attributes(const spawn_attributes&) = delete;
    spawn_attributes& operator=(const spawn_attributes&) = delete;

    ~spawn_attributes() { posix_spawnattr_destroy(&native); }
};

std::vector<std::string> merged_environment(const process_spec& spec)
{
    std::map<std::string, std::string, std::less<>> merged;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos)
            merged.insert_or_assign(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
    }
    for (const auto& [name, value] : spec.env)
        merged.insert_or_assign(name, value);
    std::vector<std::string> lines;
    lines.reserve(merged.size());
    for (const auto& [name, value] : merged)
        lines.push_back(name + '=' + value);
    return lines;
}

std::vector<char*> null_terminated(const std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const auto& text : texts)
        pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

void require_directory(const std::string& path)
{
    struct stat found = {};
    if (::stat(path.c_str(), &found) != 0)
        fail(errno, "cannot use the working directory '" + path + "'");
    if (!S_ISDIR(found.st_mode))
        fail(ENOTDIR, "cannot use the working directory '" + path + "'");
}

pid_t spawn(const process_spec& spec, int out, int err)
{
    spawn_actions actions;
    posix_spawn_file_actions_addopen(&actions.native, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions.native, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions.native, err, STDERR_FILENO);
    // Asio's sockets are inherited otherwise, and a connection that a child still holds does not close.
    posix_spawn_file_actions_addclosefrom_np(&actions.native, STDERR_FILENO + 1);
    if (!spec.cwd.empty()) {
        require_directory(spec.cwd);
        posix_spawn_file_actions_addchdir_np(&actions.native, spec.cwd.c_str());
    }
    const spawn_attributes attributes;
    const auto environment = merged_environment(spec);
    const auto arguments = null_terminated(spec.command);
    const auto variables = null_terminated(environment);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, arguments.front(), &actions.native, &attributes.native, arguments.data(),
                                     variables.data());
    if (error != 0)
        fail(error, "cannot start '" + spec.command.front() + "'");
    return pid;
}

file open_pid(pid_t pid)
{
    file opened(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (opened.number() >= 0)
        return opened;
    const int error = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    fail(error, "cannot watch the process (pidfd_open)");
}

bool has_ended(pid_t pid)
{
    siginfo_t info = {};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

process_end end_of(int status)
{
    if (WIFSIGNALED(status))
        return {std::nullopt, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

} // namespace

process::process(executor where, pid_t pid, handlers tell)
    : pid_(pid), out_(where), err_(where), pid_descriptor_(where), tell_(std::move(tell))
{}

std::shared_ptr<process> process::start(executor where, const process_spec& spec, handlers tell)
{
    auto [out_read, out_write] = make_pipe();
    auto [err_read, err_write] = make_pipe();
    const pid_t pid = spawn(spec, out_write.number(), err_write.number());
    auto watched = open_pid(pid);
    auto started = std::make_shared<process>(where, pid, std::move(tell));
    started->out_.assign(out_read.release());
    started->err_.assign(err_read.release());
    started->pid_descriptor_.assign(watched.release());
    started->out_.native_non_blocking(true);
    started->err_.native_non_blocking(true);
    started->watch_output(output_stream::out);
    started->watch_output(output_stream::err);
    started->watch_end();
    return started;
}

void process::signal_group(int number)
{
    if (!ended_)
        ::kill(-pid_, number);
}

void process::watch_output(output_stream which)
{
    pipe_of(which).async_wait(descriptor::wait_read, [self = shared_from_this(), which](error_code error) {
        if (!error && !self->ended_ && self->read_some(which))
            self->watch_output(which);
    });
}

void process::watch_end()
{
    pid_descriptor_.async_wait(descriptor::wait_read, [self = shared_from_this()](error_code error) {
        if (error)
            return;
        if (has_ended(self->pid_))
            self->end();
        else
            self->watch_end(); // readiness can be that of the descriptor which had this number before
    });
}

bool process::read_some(output_stream which)
{
    static std::array<char, 64 * 1024> buffer; // one thread: one buffer for all processes
    auto& pipe = pipe_of(which);
    if (!pipe.is_open())
        return false;
    const auto count = ::read(pipe.native_handle(), buffer.data(), buffer.size());
    if (count > 0) {
        tell_.output(which, std::string_view(buffer.data(), static_cast<std::size_t>(count)));
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    pipe.close();
    return false;
}

void process::end()
{
    ::kill(-pid_, SIGKILL); // before the leader is reaped, while its number cannot belong to another
    int status = 0;
    ::waitpid(pid_, &status, 0);
    for (const auto which : {output_stream::out, output_stream::err}) {
        auto& pipe = pipe_of(which);
        for (int reads = 0; reads < drain_reads && pipe.is_open(); ++reads) {
            struct pollfd ready = {pipe.native_handle(), POLLIN, 0};
            if (::poll(&ready, 1, 0) <= 0 || !read_some(which))
                break;
        }
    }
    ended_ = true;
    error_code ignored;
    out_.close(ignored);
    err_.close(ignored);
    pid_descriptor_.close(ignored);
    const auto told = std::exchange(tell_, {}); // they hold the job, which holds this
    told.ended(end_of(status));
}

} // namespace job_service
