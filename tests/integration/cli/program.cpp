#include "program.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace potoo::cli::test {

namespace {

std::array<int, 2> make_pipe()
{
    std::array<int, 2> ends{};
    BOOST_REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return ends;
}

void close_if_open(int& descriptor)
{
    if (descriptor >= 0)
        ::close(descriptor);
    descriptor = -1;
}

} // namespace

workspace::workspace()
{
    std::string name = (std::filesystem::temp_directory_path() / "potoo-cli-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

workspace::~workspace()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void workspace::write(const std::string& name, std::string_view text) const
{
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
}

std::string workspace::read(const std::string& name) const
{
    std::ifstream in(path_ / name);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

program::program(const workspace& where, std::vector<std::string> arguments, start_options options)
{
    arguments.insert(arguments.begin(), POTOO_PROGRAM);
    std::vector<char*> argv;
    for (std::string& a : arguments)
        argv.push_back(a.data());
    argv.push_back(nullptr);
    options.environment.try_emplace("LC_ALL", "C.UTF-8");
    options.environment.try_emplace("TERM", options.terminal ? "xterm-256color" : "dumb");
    options.environment.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
    std::vector<std::string> variables;
    for (const auto& [name, value] : options.environment)
        variables.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (std::string& v : variables)
        environment.push_back(v.data());
    environment.push_back(nullptr);

    auto in = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    int master = -1;
    const winsize window{24, 80, 0, 0};
    pid_ = options.terminal ? ::forkpty(&master, nullptr, nullptr, &window) : ::fork();
    BOOST_REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        if (!options.terminal) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(err[1], STDERR_FILENO);
        }
        for (const int s : options.ignored_signals)
            std::signal(s, SIG_IGN);
        if (::chdir(where.path().c_str()) == 0)
            ::execve(argv[0], argv.data(), environment.data());
        ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    std::string_view rest = options.input;
    while (!rest.empty()) {
        const ssize_t n = ::write(in[1], rest.data(), rest.size());
        if (n <= 0)
            break;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    ::close(in[1]);
    if (options.terminal || options.output_closed)
        ::close(out[0]);
    if (options.terminal)
        ::close(err[0]);
    out_ = options.terminal ? master : options.output_closed ? -1 : out[0];
    err_ = options.terminal ? -1 : err[0];
}

program::~program()
{
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    close_if_open(out_);
    close_if_open(err_);
}

void program::signal(int number) const
{
    ::kill(pid_, number);
}

void program::type(std::string_view keys) const
{
    BOOST_REQUIRE(::write(out_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

bool program::read_some(int timeout_ms)
{
    std::array<pollfd, 2> waiting{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    if (out_ < 0 && err_ < 0)
        return false;
    if (::poll(waiting.data(), waiting.size(), timeout_ms) <= 0)
        return true;
    std::array<char, 4096> piece;
    const auto take = [&](int& descriptor, short events, std::string& to) {
        if (descriptor < 0 || events == 0)
            return;
        const ssize_t n = ::read(descriptor, piece.data(), piece.size());
        if (n > 0)
            to.append(piece.data(), static_cast<std::size_t>(n));
        else if (n == 0 || errno != EINTR)
            close_if_open(descriptor);
    };
    take(out_, waiting[0].revents, result_.out);
    take(err_, waiting[1].revents, result_.err);
    return true;
}

bool program::wait_for(std::string_view text)
{
    while (result_.out.find(text) == std::string::npos && result_.err.find(text) == std::string::npos)
        if (!read_some(-1))
            return false;
    return true;
}

result program::finish()
{
    while (read_some(-1)) {}
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    result_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return result_;
}

result run_potoo(const workspace& where, std::vector<std::string> arguments, start_options options)
{
    return program(where, std::move(arguments), std::move(options)).finish();
}

std::string latest_run(const workspace& where)
{
    const result r = run_potoo(where, {"ls", "-o", "json"});
    BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
    return std::string(boost::json::parse(r.out).at(0).at("run").as_string());
}

} // namespace potoo::cli::test
