#include "tests/unit/process/process_fixture.hpp"

#include <potoo/error.hpp>

#include <csignal>

using namespace potoo;
using namespace potoo::process;
using namespace potoo::process::test;
using namespace std::chrono_literals;

namespace {

struct stopping : process::test::fixture
{
    /// Starts it, and tells it to stop once it has said `lines` lines.
    void stop_after_lines(process_spec spec, std::size_t lines)
    {
        const auto r = start(std::move(spec));
        wait_for_lines(lines);
        pids.clear();
        for (const auto& line : said.lines())
            if (line.find_first_not_of("0123456789") == std::string::npos)
                pids.push_back(std::make_unique<observed>(std::stoi(line)));
        r->cancel(cancel_reason::user);
        run_until([&] { return r->ended(); });
        BOOST_TEST((r->ended_by() == cancel_reason::user));
    }

    std::vector<std::unique_ptr<observed>> pids;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(stopping_processes, stopping)

BOOST_AUTO_TEST_CASE(term_lets_it_clean_up)
{
    stop_after_lines(shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do :; done"), 1);
    BOOST_TEST(said.output == "ready\nbye\n");
}

BOOST_AUTO_TEST_CASE(kill_follows_after_the_grace)
{
    auto spec = shell("trap '' TERM; echo $$; sleep 1000");
    spec.grace = 20ms;
    stop_after_lines(std::move(spec), 1);
    BOOST_TEST(pids.at(0)->has_ended());
}

BOOST_AUTO_TEST_CASE(grace_of_zero_kills_at_once)
{
    auto spec = shell("trap '' TERM; echo $$; sleep 1000");
    spec.grace = 0ms;
    stop_after_lines(std::move(spec), 1);
    BOOST_TEST(pids.at(0)->has_ended());
}

BOOST_AUTO_TEST_CASE(group_is_killed_although_term_ended_its_leader)
{
    auto spec = shell("(trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000) & echo $!; wait");
    spec.grace = 20ms;
    stop_after_lines(std::move(spec), 2);
    BOOST_TEST(pids.at(0)->ends());
    BOOST_TEST(pids.at(1)->ends());
}

BOOST_AUTO_TEST_CASE(a_grandchild_has_the_grace_too)
{
    // The leader dies of TERM at once; what it started takes its time, and is heard.
    stop_after_lines(
        shell("(trap 'cat /etc/hostname >/dev/null; echo saved; exit' TERM; echo ready; while :; do :; done) & "
              "wait"),
        1);
    BOOST_TEST(said.output == "ready\nsaved\n");
}

BOOST_AUTO_TEST_CASE(a_stopped_process_hears_term)
{
    auto spec = shell("trap 'echo bye; exit 0' TERM; echo ready; kill -STOP $$; while :; do :; done");
    stop_after_lines(std::move(spec), 1);
    BOOST_TEST(said.output == "ready\nbye\n");
}

BOOST_AUTO_TEST_CASE(a_process_that_floods_is_stopped)
{
    stop_after_lines(shell("trap 'exit 0' TERM; while :; do echo yes; done"), 1000);
}

BOOST_AUTO_TEST_CASE(input_that_is_not_read_does_not_hinder)
{
    auto spec = shell("echo ready; exec sleep 1000");
    spec.input = std::string(1'000'000, 'x');
    stop_after_lines(std::move(spec), 1);
}

BOOST_AUTO_TEST_CASE(a_second_reason_does_not_cut_the_grace_short)
{
    const auto r = start(shell("trap 'go=1; echo stopping' TERM; echo ready; while [ -z \"$go\" ]; do :; done; "
                               "cat /etc/hostname >/dev/null; echo done"));
    wait_for_lines(1);
    r->cancel(cancel_reason::user);
    wait_for_lines(2);
    r->cancel(cancel_reason::deadline);
    run_until([&] { return r->ended(); });
    BOOST_TEST((r->ended_by() == cancel_reason::user));
    BOOST_TEST(said.output == "ready\nstopping\ndone\n");
}

BOOST_AUTO_TEST_CASE(cancelled_at_any_moment_nothing_is_left)
{
    const auto one = start(shell("true"));
    run_until([&] { return one->ended(); });
    const auto before = open_descriptors();
    for (int turns = 0;; ++turns) {
        said = {};
        const auto r = start(shell("echo $$; exit 3"));
        context.restart();
        for (int i = 0; i < turns && !r->ended(); ++i)
            context.run_one();
        const bool too_late = r->ended();
        if (!too_late)
            r->cancel(cancel_reason::user);
        run_until([&] { return r->ended(); });
        BOOST_TEST(open_descriptors() == before, boost::test_tools::per_element());
        if (too_late)
            break;
    }
}

BOOST_AUTO_TEST_CASE(destroyed_at_any_moment_nothing_is_left)
{
    const auto one = start(shell("true"));
    run_until([&] { return one->ended(); });
    const auto before = open_descriptors();
    for (int turns = 0;; ++turns) {
        auto r = start(shell("echo $$; exit 3"));
        context.restart();
        for (int i = 0; i < turns && !r->ended(); ++i)
            context.run_one();
        const bool too_late = r->ended();
        r.reset();
        context.poll();
        BOOST_TEST(open_descriptors() == before, boost::test_tools::per_element());
        if (too_late)
            break;
    }
}

BOOST_AUTO_TEST_CASE(destruction_kills_the_group)
{
    auto r = start(shell("trap '' TERM; sleep 1000 & echo $!; echo $$; wait"));
    wait_for_lines(2);
    const observed grandchild(std::stoi(said.lines()[0]));
    const observed leader(std::stoi(said.lines()[1]));
    r.reset();
    BOOST_TEST(leader.has_ended());
    BOOST_TEST(grandchild.ends());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lifetime_of_the_runner)

BOOST_AUTO_TEST_CASE(tasks_may_outlive_the_runner)
{
    boost::asio::io_context context{1};
    real_loop loop{context};
    transcript said;
    auto runner = std::make_unique<local_process_runner>(loop);
    potoo::test::runner<process_end> r(loop, runner->run(shell("echo here; exit 2"), said.sink()));
    runner.reset();
    while (!r.ended())
        BOOST_REQUIRE(context.run_one() != 0);
    BOOST_TEST(r.take().exit_code == 2);
    BOOST_TEST(said.output == "here\n");
}

BOOST_AUTO_TEST_SUITE_END()
