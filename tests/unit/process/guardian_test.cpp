#include "tests/unit/process/process_fixture.hpp"

#include "engine/process/guardian.hpp"
#include "engine/process/pipe.hpp"

#include <array>
#include <csignal>

#include <sys/wait.h>

using namespace potoo;
using namespace potoo::process;
using namespace potoo::process::test;

namespace {

/// An engine of its own, in a process that can be killed: runs a script and passes on what it says.
class separate_engine
{
  public:
    explicit separate_engine(const std::string& script)
    {
        pipe_ends report = make_pipe();
        pid_ = ::fork();
        BOOST_REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::setpgid(0, 0);
            live(report.write.get(), script);
        }
        report_ = std::move(report.read);
    }

    separate_engine(const separate_engine&) = delete;
    separate_engine& operator=(const separate_engine&) = delete;

    ~separate_engine() { die(SIGKILL); }

    [[nodiscard]] pid_t pid() const { return pid_; }

    std::string read_line()
    {
        std::string line;
        for (char c = 0; ::read(report_.get(), &c, 1) == 1 && c != '\n';)
            line += c;
        return line;
    }

    /// Nobody holds the other end of the report any more.
    bool report_ends()
    {
        char c = 0;
        return ::read(report_.get(), &c, 1) == 0;
    }

    void die(int signal)
    {
        if (pid_ <= 0)
            return;
        ::kill(-pid_, signal);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

  private:
    [[noreturn]] static void live(int report, const std::string& script)
    {
        {
            process::test::fixture f;
            const auto pass_on = [report](output_stream, std::string_view piece) {
                if (::write(report, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size()))
                    ::_exit(1);
            };
            potoo::test::runner<process_end> r(f.loop, f.processes.run(shell(script), pass_on));
            f.finish(r);
        }
        ::_exit(0);
    }

    pid_t pid_ = -1;
    descriptor report_;
};

/// A group of one that waits for its end.
pid_t start_waiting_group()
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setpgid(0, 0);
        for (;;)
            ::pause();
    }
    ::setpgid(pid, pid);
    return pid;
}

constexpr const char* leader_and_grandchild = "trap '' TERM; sleep 1000 & echo $!; echo $$; wait";

} // namespace

BOOST_AUTO_TEST_SUITE(guardians)

BOOST_AUTO_TEST_CASE(children_and_grandchildren_die_with_an_engine_that_is_killed)
{
    separate_engine engine(leader_and_grandchild);
    const observed grandchild(std::stoi(engine.read_line()));
    const observed leader(std::stoi(engine.read_line()));
    BOOST_TEST(!leader.has_ended());
    BOOST_TEST(!grandchild.has_ended());
    engine.die(SIGKILL);
    BOOST_TEST(leader.ends());
    BOOST_TEST(grandchild.ends());
}

BOOST_AUTO_TEST_CASE(it_survives_polite_signals_and_does_its_duty)
{
    separate_engine engine(leader_and_grandchild);
    const observed grandchild(std::stoi(engine.read_line()));
    const auto found = guardians_of(engine.pid());
    BOOST_REQUIRE(found.size() == 1u);
    const observed its_guardian(found[0]);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT})
        ::kill(found[0], signal);
    BOOST_TEST(!its_guardian.has_ended());
    engine.die(SIGTERM);
    BOOST_TEST(grandchild.ends());
    BOOST_TEST(its_guardian.ends());
}

BOOST_AUTO_TEST_CASE(it_holds_nothing_of_the_engine)
{
    separate_engine engine(leader_and_grandchild);
    engine.read_line();
    const auto found = guardians_of(engine.pid());
    BOOST_REQUIRE(found.size() == 1u);
    const std::set<std::string> only_its_socket{"0"};
    BOOST_TEST(open_descriptors(std::to_string(found[0])) == only_its_socket, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(descriptors_die_with_the_engine)
{
    separate_engine engine(leader_and_grandchild);
    const observed grandchild(std::stoi(engine.read_line()));
    engine.read_line();
    engine.die(SIGKILL);
    BOOST_TEST(engine.report_ends());
    BOOST_TEST(grandchild.ends());
}

BOOST_AUTO_TEST_CASE(it_ends_with_the_runner)
{
    pid_t pid = 0;
    {
        process::test::fixture f;
        BOOST_TEST(guardians_of(::getpid()).empty());
        f.run(shell("true"));
        const auto found = guardians_of(::getpid());
        BOOST_REQUIRE(found.size() == 1u);
        pid = found[0];
    }
    BOOST_TEST(::kill(pid, 0) == -1);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
}

BOOST_AUTO_TEST_CASE(another_takes_over_when_it_was_killed)
{
    process::test::fixture f;
    const auto earlier = f.start(shell("echo $$; sleep 1000"));
    f.wait_for_lines(1);
    const auto first = guardians_of(::getpid());
    BOOST_REQUIRE(first.size() == 1u);
    const observed gone(first[0]);
    ::kill(first[0], SIGKILL);
    BOOST_TEST(gone.ends());

    BOOST_TEST(f.run(shell("exit 6")).exit_code == 6);
    const auto second = guardians_of(::getpid());
    BOOST_REQUIRE(second.size() == 1u);
    BOOST_TEST(second[0] != first[0]);
}

BOOST_AUTO_TEST_CASE(only_enrolled_groups_are_killed)
{
    const pid_t enrolled = start_waiting_group();
    const pid_t dismissed = start_waiting_group();
    {
        guardian g;
        g.start();
        for (const pid_t group : {enrolled, dismissed}) {
            BOOST_TEST(guardian::enrol(g.socket(), group));
            g.admit(group);
        }
        g.dismiss(dismissed);
    }
    const observed spared(dismissed);
    int status = 0;
    BOOST_TEST(::waitpid(enrolled, &status, 0) == enrolled);
    BOOST_TEST(WTERMSIG(status) == SIGKILL);
    BOOST_TEST(!spared.has_ended());
    ::kill(dismissed, SIGKILL);
    ::waitpid(dismissed, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(a_new_one_knows_the_groups_of_the_old)
{
    const pid_t group = start_waiting_group();
    {
        guardian g;
        g.start();
        const auto found = guardians_of(::getpid());
        BOOST_REQUIRE(found.size() == 1u);
        const observed old(found[0]);
        g.admit(group);
        ::kill(found[0], SIGKILL);
        BOOST_TEST(old.ends());
        g.restart();
    }
    int status = 0;
    BOOST_TEST(::waitpid(group, &status, 0) == group);
    BOOST_TEST(WTERMSIG(status) == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_stopped_one_does_not_hold_up_the_end)
{
    guardian g;
    g.start();
    const auto found = guardians_of(::getpid());
    BOOST_REQUIRE(found.size() == 1u);
    ::kill(found[0], SIGSTOP);
}

BOOST_AUTO_TEST_SUITE_END()
