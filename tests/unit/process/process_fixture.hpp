#pragma once
// Runs real processes from a test, and looks at processes from outside.

#include "tests/unit/task/runner.hpp"

#include "engine/loop/real_loop.hpp"
#include "engine/process/descriptor.hpp"
#include "engine/process/local_process_runner.hpp"

#include <potoo/process.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace potoo::process::test {

inline process_spec program(std::vector<std::string> arguments)
{
    process_spec spec;
    spec.arguments = std::move(arguments);
    spec.environment = {"PATH=/usr/bin:/bin"};
    return spec;
}

inline process_spec shell(std::string script)
{
    return program({"/bin/sh", "-c", std::move(script)});
}

/// What a process said.
struct transcript
{
    std::string output;
    std::string error;

    [[nodiscard]] output_sink sink()
    {
        return [this](output_stream s, std::string_view piece) {
            (s == output_stream::standard_output ? output : error) += piece;
        };
    }

    /// The whole lines on standard output.
    [[nodiscard]] std::vector<std::string> lines() const
    {
        std::vector<std::string> out;
        std::istringstream text(output.substr(0, output.rfind('\n') + 1));
        for (std::string line; std::getline(text, line);)
            out.push_back(line);
        return out;
    }
};

struct fixture
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    local_process_runner processes{loop};
    transcript said;

    /// Runs the loop until `done` says so.
    template <class Condition>
    void run_until(Condition done)
    {
        context.restart();
        while (!done())
            if (context.run_one() == 0)
                throw std::logic_error("nothing is left to wait for");
    }

    template <class T>
    T finish(potoo::test::runner<T>& r)
    {
        run_until([&] { return r.ended(); });
        return r.take();
    }

    process_end run(process_spec spec)
    {
        potoo::test::runner<process_end> r(loop, processes.run(std::move(spec), said.sink()));
        return finish(r);
    }

    [[nodiscard]] auto start(process_spec spec)
    {
        return std::make_unique<potoo::test::runner<process_end>>(loop, processes.run(std::move(spec), said.sink()));
    }

    /// Until the process has said as many lines.
    void wait_for_lines(std::size_t n)
    {
        run_until([&] { return said.lines().size() >= n; });
    }
};

/// A process that the test did not start itself: opened while it lives, so its number cannot be taken by another.
class observed
{
  public:
    explicit observed(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) { BOOST_REQUIRE(fd_); }

    [[nodiscard]] bool has_ended() const { return ended_within(0); }

    /// Waits. Only a broken test waits for long.
    [[nodiscard]] bool ends() const
    {
        constexpr int for_a_broken_test_ms = 60'000;
        return ended_within(for_a_broken_test_ms);
    }

  private:
    [[nodiscard]] bool ended_within(int ms) const
    {
        pollfd p{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        return ::poll(&p, 1, ms) == 1;
    }

    descriptor fd_;
};

inline std::set<std::string> open_descriptors(const std::string& process = "self")
{
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + process + "/fd"))
        out.insert(entry.path().filename());
    return out;
}

/// Live processes called `potoo-guardian` whose parent is `parent`.
inline std::vector<pid_t> guardians_of(pid_t parent)
{
    std::vector<pid_t> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "stat");
        std::string line;
        std::getline(file, line);
        const auto name_end = line.rfind(')');
        if (name_end == std::string::npos || line.find("(potoo-guardian)") == std::string::npos)
            continue;
        std::istringstream rest(line.substr(name_end + 1));
        char state = 0;
        pid_t its_parent = 0;
        rest >> state >> its_parent;
        if (its_parent == parent && state != 'Z')
            out.push_back(std::stoi(line));
    }
    return out;
}

/// A directory that is removed again.
class scratch_directory
{
  public:
    scratch_directory()
    {
        std::string name = std::filesystem::temp_directory_path() / "potoo-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }

    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;

    ~scratch_directory() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    std::string add_file(const std::string& name, std::string_view text, bool executable)
    {
        const auto file = path_ / name;
        std::ofstream(file) << text;
        if (executable)
            std::filesystem::permissions(file, std::filesystem::perms::owner_all);
        return file;
    }

  private:
    std::filesystem::path path_;
};

} // namespace potoo::process::test
