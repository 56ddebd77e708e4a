#include "child_program.hpp"

#include "http_exchange.hpp"
#include "process_usage.hpp"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace potoo::bench {
namespace {

struct child
{
    pid_t pid = -1;
    int output = -1;
};

[[noreturn]] void raise(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

child start(const std::vector<std::string>& arguments)
{
    std::array<int, 2> out{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0)
        raise("pipe2");
    std::vector<char*> pointers;
    for (const std::string& a : arguments)
        pointers.push_back(const_cast<char*>(a.c_str()));
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0)
        raise("fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::dup2(out[1], STDOUT_FILENO);
        ::execvp(pointers.front(), pointers.data());
        ::_exit(127);
    }
    ::close(out[1]);
    return {pid, out[0]};
}

std::string read_all(int descriptor)
{
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t n = 0; (n = ::read(descriptor, piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
}

} // namespace

program_end run_program(const std::vector<std::string>& arguments)
{
    const child c = start(arguments);
    program_end end;
    end.output = read_all(c.output);
    ::close(c.output);
    int status = 0;
    rusage used{};
    ::wait4(c.pid, &status, 0, &used);
    end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end.cpu_seconds = cpu_seconds(used);
    end.user_seconds = seconds(used.ru_utime);
    return end;
}

std::optional<wrk_result> run_wrk(const std::string& url, int for_seconds)
{
    const program_end end = run_program({"wrk", "-t1", "-c64", "-d" + std::to_string(for_seconds) + "s", url});
    const auto sentence = end.output.find(" requests in ");
    if (end.exit_code != 0 || sentence == std::string::npos)
        return std::nullopt;
    wrk_result r;
    r.requests = std::strtod(end.output.c_str() + end.output.rfind('\n', sentence) + 1, nullptr);
    r.cpu_us_per_request = end.cpu_seconds * 1e6 / r.requests;
    r.user_us_per_request = end.user_seconds * 1e6 / r.requests;
    return r;
}

running_job_server::running_job_server()
{
    const child c = start({POTOO_BENCH_JOB_SERVER});
    pid_ = c.pid;
    std::string line;
    char byte = 0;
    while (::read(c.output, &byte, 1) == 1 && byte != '\n')
        line += byte;
    ::close(c.output);
    port_ = static_cast<std::uint16_t>(std::strtoul(line.c_str(), nullptr, 10));
    if (port_ == 0)
        throw std::runtime_error("the job server did not start: " POTOO_BENCH_JOB_SERVER);
}

running_job_server::~running_job_server()
{
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
}

running_job_server::counts running_job_server::stats() const
{
    const auto answer = boost::json::parse(ask(port_, "GET", "/stats").body).as_object();
    const auto member = [&](const char* name) { return answer.at(name).to_number<double>(); };
    return {.submissions = member("submissions"),
            .polls = member("polls"),
            .batch_calls = member("batch_calls"),
            .batched = member("batched"),
            .cancellations = member("cancellations"),
            .delays = member("delays"),
            .delay_p50 = member("delay_p50"),
            .delay_p99 = member("delay_p99"),
            .delay_max = member("delay_max")};
}

} // namespace potoo::bench
