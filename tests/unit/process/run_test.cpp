#include "tests/unit/process/process_fixture.hpp"

#include <potoo/concurrency.hpp>

#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace potoo;
using namespace potoo::process;
using namespace potoo::process::test;

namespace {

task<int> exit_code_of(process_runner& r, process_spec spec)
{
    const auto end = co_await r.run(std::move(spec), [](output_stream, std::string_view) {});
    co_return end.exit_code;
}

long peak_memory_kib()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/// Sets a signal's action until it goes out of scope.
class signal_action
{
  public:
    signal_action(int signal, void (*handler)(int)) : signal_(signal), before_(std::signal(signal, handler)) {}

    signal_action(const signal_action&) = delete;
    signal_action& operator=(const signal_action&) = delete;

    ~signal_action() { std::signal(signal_, before_); }

  private:
    int signal_;
    void (*before_)(int);
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(running_processes, process::test::fixture)

BOOST_AUTO_TEST_CASE(exit_code_is_reported)
{
    BOOST_TEST(run(shell("exit 7")).exit_code == 7);
    BOOST_TEST(run(program({"true"})).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(signal_that_ended_it_is_reported)
{
    const auto end = run(shell("kill -9 $$"));
    BOOST_TEST(end.signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(output_and_error_are_told_apart)
{
    run(shell("echo one; echo two >&2; printf three"));
    BOOST_TEST(said.output == "one\nthree");
    BOOST_TEST(said.error == "two\n");
}

BOOST_AUTO_TEST_CASE(environment_is_exactly_the_given_one)
{
    auto spec = program({"/usr/bin/env", "-0"});
    spec.environment = {"A=1", "B=x\ny", "C="};
    run(std::move(spec));
    using namespace std::string_literals;
    BOOST_TEST(said.output == "A=1\0B=x\ny\0C=\0"s);
}

BOOST_AUTO_TEST_CASE(arguments_arrive_as_they_are)
{
    run(program({"printf", "<%s>", "", "a b", "'$x`", "\n"}));
    BOOST_TEST(said.output == "<><a b><'$x`><\n>");
}

BOOST_AUTO_TEST_CASE(directory_is_changed_and_relative_programs_are_found_there)
{
    scratch_directory dir;
    dir.add_file("where", "#!/bin/sh\npwd -P\n", true);
    auto spec = program({"./where"});
    spec.directory = dir.path();
    BOOST_TEST(run(spec).exit_code == 0);
    spec.arguments = {"where"};
    spec.environment = {"PATH=/nowhere::/bin"};
    BOOST_TEST(run(spec).exit_code == 0);
    const auto real = std::filesystem::canonical(dir.path()).string() + "\n";
    BOOST_TEST(said.output == real + real);
}

BOOST_AUTO_TEST_CASE(path_is_that_of_the_given_environment)
{
    scratch_directory dir;
    dir.add_file("tool", "#!/bin/sh\necho mine\n", true);
    auto spec = program({"tool"});
    spec.environment = {"PATH=" + dir.path().string()};
    run(std::move(spec));
    BOOST_TEST(said.output == "mine\n");
}

BOOST_AUTO_TEST_CASE(without_input_standard_input_is_empty)
{
    BOOST_TEST(run(program({"cat"})).exit_code == 0);
    BOOST_TEST(said.output.empty());
}

BOOST_AUTO_TEST_CASE(large_input_passes_through_while_output_comes)
{
    std::string data;
    for (int i = 0; data.size() < 10'000'000; ++i)
        data += std::to_string(i) + "\n";
    auto spec = program({"cat"});
    spec.input = data;
    BOOST_TEST(run(std::move(spec)).exit_code == 0);
    BOOST_TEST((said.output == data));
}

BOOST_AUTO_TEST_CASE(input_that_nobody_reads_is_no_error)
{
    const signal_action deadly(SIGPIPE, SIG_DFL);
    auto spec = shell("exec <&-; echo closed; exit 5");
    spec.input = std::string(10'000'000, 'x');
    BOOST_TEST(run(std::move(spec)).exit_code == 5);
    BOOST_TEST(said.output == "closed\n");
}

BOOST_AUTO_TEST_CASE(output_larger_than_memory_should_be_passes_in_pieces)
{
    constexpr std::size_t amount = 100 << 20;
    std::size_t received = 0;
    std::size_t largest = 0;
    const long before = peak_memory_kib();
    const auto count = [&](output_stream, std::string_view piece) {
        received += piece.size();
        largest = std::max(largest, piece.size());
    };
    potoo::test::runner<process_end> r(
        loop, processes.run(program({"head", "-c", std::to_string(amount), "/dev/zero"}), count));
    finish(r);
    BOOST_TEST(received == amount);
    BOOST_TEST(largest <= std::size_t{64} << 10);
    BOOST_TEST(peak_memory_kib() - before < 20'000);
}

BOOST_AUTO_TEST_CASE(a_process_that_floods_does_not_starve_others)
{
    std::vector<task<int>> tasks;
    tasks.push_back(exit_code_of(processes, program({"yes"})));
    tasks.push_back(exit_code_of(processes, shell("exit 4")));
    potoo::test::runner<std::pair<std::size_t, int>> r(loop, any(std::move(tasks)));
    const auto [winner, code] = finish(r);
    BOOST_TEST(winner == 1u);
    BOOST_TEST(code == 4);
}

BOOST_AUTO_TEST_CASE(two_hundred_run_side_by_side)
{
    std::vector<task<int>> tasks;
    for (int i = 0; i < 200; ++i)
        tasks.push_back(exit_code_of(processes, shell("echo started; read line; exit " + std::to_string(i))));
    potoo::test::runner<std::vector<int>> r(loop, all(std::move(tasks)));
    const auto codes = finish(r);
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(codes[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(a_process_that_closes_its_output_is_waited_for)
{
    auto spec = shell("exec >&- 2>&-; cat >/dev/null; exit 4");
    spec.input = std::string(1'000'000, 'x');
    BOOST_TEST(run(std::move(spec)).exit_code == 4);
}

BOOST_AUTO_TEST_CASE(output_of_a_grandchild_that_ends_soon_is_kept)
{
    BOOST_TEST(run(shell("echo late & exit 3")).exit_code == 3);
    BOOST_TEST(said.output == "late\n");
}

BOOST_AUTO_TEST_CASE(a_grandchild_that_keeps_the_output_open_is_killed)
{
    const auto r = start(shell("sleep 1000 & echo $!; exit 3"));
    wait_for_lines(1);
    const observed grandchild(std::stoi(said.lines()[0]));
    BOOST_TEST(finish(*r).exit_code == 3);
    BOOST_TEST(grandchild.ends());
}

BOOST_AUTO_TEST_CASE(a_grandchild_that_left_the_output_ends_with_the_leader)
{
    auto spec = shell("sleep 1000 >/dev/null 2>&1 & echo $!; cat >/dev/null");
    spec.input = std::string(1'000'000, 'x');
    const auto r = start(std::move(spec));
    wait_for_lines(1);
    const observed grandchild(std::stoi(said.lines()[0]));
    BOOST_TEST(finish(*r).exit_code == 0);
    BOOST_TEST(grandchild.ends());
}

BOOST_AUTO_TEST_CASE(signal_state_of_the_engine_is_not_inherited)
{
    const signal_action ignored(SIGHUP, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    run(program({"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}));
    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    BOOST_TEST(said.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

BOOST_AUTO_TEST_CASE(descriptors_of_the_engine_are_not_inherited)
{
    const descriptor inheritable(::open("/dev/null", O_RDONLY));
    const descriptor far(::fcntl(inheritable.get(), F_DUPFD, 500));
    run(shell("cd /proc/$$/fd; echo *"));
    // The shell may hold one of its own above its standard descriptors.
    BOOST_TEST(said.output.starts_with("0 1 2"));
    BOOST_TEST(said.output.find("500") == std::string::npos);
    run(program({"ls", "/proc/self/fd"}));
    BOOST_TEST(said.output.ends_with("\n0\n1\n2\n3\n"));
}

BOOST_AUTO_TEST_CASE(no_descriptor_and_no_child_is_left)
{
    run(shell("true"));
    const auto before = open_descriptors();
    auto spec = shell("cat; exit 1");
    spec.input = "x";
    run(spec);
    spec.directory = "/nowhere";
    BOOST_CHECK_THROW(run(spec), failure);
    BOOST_CHECK_THROW(run(program({"no-such-program"})), failure);
    BOOST_CHECK_THROW(run(program({"/etc/passwd"})), failure);
    BOOST_TEST(open_descriptors() == before, boost::test_tools::per_element());
    const auto guardians = guardians_of(::getpid());
    BOOST_TEST(guardians.size() == 1u);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == 0, "only the guardian may be left, and it lives");
}

BOOST_AUTO_TEST_CASE(a_sink_that_throws_ends_the_process)
{
    pid_t pid = 0;
    std::string text;
    const auto fail = [&](output_stream, std::string_view piece) {
        text += piece;
        if (text.ends_with('\n')) {
            pid = std::stoi(text);
            throw std::runtime_error("the disk is full");
        }
    };
    potoo::test::runner<process_end> r(loop, processes.run(shell("echo $$; exec sleep 1000"), fail));
    BOOST_CHECK_EXCEPTION(finish(r), std::runtime_error,
                          [](const auto& e) { return e.what() == std::string("the disk is full"); });
    BOOST_TEST(::kill(-pid, 0) == -1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(engines_signal_state)

BOOST_AUTO_TEST_CASE(ends_are_known_although_the_parent_ignored_sigchld)
{
    const signal_action ignored(SIGCHLD, SIG_IGN);
    process::test::fixture f;
    BOOST_TEST(f.run(shell("exit 7")).exit_code == 7);
}

BOOST_AUTO_TEST_SUITE_END()
