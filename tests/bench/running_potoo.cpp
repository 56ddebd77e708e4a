#include "running_potoo.hpp"

#include "http_exchange.hpp"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace potoo::bench {
namespace {

constexpr std::string_view greeting = "listening on http://127.0.0.1:";
constexpr auto time_to_start = std::chrono::seconds(20);

std::string text_of(const std::filesystem::path& file)
{
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string good(const http_answer& a, const std::string& target)
{
    if (a.status / 100 != 2)
        throw std::runtime_error(target + " was answered by " + std::to_string(a.status) + ": " + a.body);
    return a.body;
}

/// The bound in `{le="…"}`.
double bound_of(const std::string& line)
{
    const auto at = line.find("le=\"") + 4;
    return line.compare(at, 4, "+Inf") == 0 ? std::numeric_limits<double>::infinity()
                                            : std::strtod(line.c_str() + at, nullptr);
}

} // namespace

lateness lateness::since(const lateness& before) const
{
    lateness between;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        between.add_bucket(buckets_[i].first, buckets_[i].second - before.buckets_.at(i).second);
    return between;
}

double lateness::quantile_ms(double q) const
{
    double bound = 0;
    for (const auto& [upper, not_later] : buckets_) {
        // What is beyond the last bound is told as that bound: JSON has no infinity.
        bound = upper == std::numeric_limits<double>::infinity() ? bound : upper;
        if (not_later >= q * count())
            break;
    }
    return bound * 1e3;
}

running_potoo::running_potoo(const std::string& program, const std::filesystem::path& folder)
    : log_(folder / "server.log")
{
    std::vector<std::string> arguments{program,   "server",           "--dags",   folder / "dags",
                                       "--state", folder / "journal", "--listen", "127.0.0.1:0"};
    std::vector<char*> pointers;
    for (std::string& a : arguments)
        pointers.push_back(a.data());
    pointers.push_back(nullptr);
    const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    pid_ = log < 0 ? -1 : ::fork();
    if (pid_ < 0)
        throw std::system_error(errno, std::generic_category(), "starting potoo server");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::dup2(log, STDERR_FILENO);
        ::execvp(pointers.front(), pointers.data());
        ::_exit(127);
    }
    ::close(log);
    wait_until_ready();
}

running_potoo::~running_potoo()
{
    // It need not say good-bye to anybody: its state is thrown away.
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
}

void running_potoo::wait_until_ready()
{
    const auto give_up = std::chrono::steady_clock::now() + time_to_start;
    std::string told;
    while (told.find(" ready\n") == std::string::npos) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        told = text_of(log_);
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != 0 || std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("potoo server did not start: " + told);
    }
    port_ = static_cast<std::uint16_t>(std::atoi(told.c_str() + told.find(greeting) + greeting.size()));
}

std::string running_potoo::get(const std::string& target) const
{
    return good(ask(port_, "GET", target), target);
}

std::string running_potoo::trigger(const std::string& dag, const std::string& params) const
{
    const std::string target = "/api/v1/dags/" + dag + "/runs";
    const auto answer = boost::json::parse(good(ask(port_, "POST", target, R"({"params": )" + params + "}"), target));
    return answer.at("run").as_string().c_str();
}

server_counts running_potoo::counts() const
{
    constexpr std::string_view bucket = "potoo_wakeup_lateness_seconds_bucket{";
    server_counts c;
    const std::array<std::pair<std::string_view, double*>, 4> wanted{
        {{"process_cpu_seconds_total ", &c.cpu_seconds},
         {"potoo_http_responses_total{class=\"2xx\"} ", &c.answered},
         {"potoo_tasks{state=\"deferred\"} ", &c.deferred},
         {"potoo_loop_stalls_total ", &c.stalls}}};
    std::istringstream lines(get("/metrics"));
    for (std::string line; std::getline(lines, line);) {
        const double value = std::strtod(line.c_str() + line.rfind(' '), nullptr);
        for (const auto& [name, place] : wanted)
            if (line.starts_with(name))
                *place = value;
        if (line.starts_with(bucket))
            c.lateness.add_bucket(bound_of(line), value);
    }
    return c;
}

} // namespace potoo::bench
