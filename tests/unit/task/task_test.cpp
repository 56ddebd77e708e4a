#include "tests/unit/task/runner.hpp"

#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

task<int> value_of(int x)
{
    co_return x;
}

task<int> sum_of_chain(int depth)
{
    if (depth == 0)
        co_return 0;
    const int rest = co_await sum_of_chain(depth - 1);
    co_return rest + 1;
}

task<> fail_with(std::string message)
{
    throw failure(message);
    co_return;
}

struct tracked
{
    tracked(std::vector<std::string>& log, std::string name) : log_(log), name_(std::move(name)) {}

    ~tracked() { log_.push_back(name_); }

    std::vector<std::string>& log_;
    std::string name_;
};

task<> hold_inner(std::vector<std::string>& log)
{
    tracked t(log, "inner");
    co_await sleep_for(1h);
}

task<> hold_outer(std::vector<std::string>& log)
{
    tracked t(log, "outer");
    co_await hold_inner(log);
}

task<std::unique_ptr<int>> move_only_value()
{
    co_return std::make_unique<int>(7);
}

task<> set_true(bool& flag)
{
    flag = true;
    co_return;
}

task<int> await_twice()
{
    auto t = value_of(1);
    co_await std::move(t);
    co_return co_await std::move(t);
}

task<int> await_many(int n)
{
    int total = 0;
    for (int i = 0; i < n; ++i) {
        const int x = co_await value_of(1);
        total += x;
    }
    co_return total;
}

task<std::string> catch_from_callee()
{
    std::string seen;
    try {
        co_await fail_with("no");
    } catch (const failure& f) {
        seen = f.what();
    }
    co_return seen;
}

task<const branch*> branch_of_callee()
{
    branch& b = co_await this_branch();
    co_return &b;
}

task<bool> callee_shares_branch()
{
    branch& mine = co_await this_branch();
    const branch* theirs = co_await branch_of_callee();
    co_return theirs == &mine;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_type, test::fixture)

BOOST_AUTO_TEST_CASE(value_is_returned)
{
    BOOST_TEST(run(value_of(42)) == 42);
}

BOOST_AUTO_TEST_CASE(move_only_value_is_returned)
{
    BOOST_TEST(*run(move_only_value()) == 7);
}

BOOST_AUTO_TEST_CASE(nothing_runs_before_it_is_awaited)
{
    bool ran = false;
    {
        auto t = set_true(ran);
        BOOST_TEST(!ran);
    }
    BOOST_TEST(!ran);
    run(set_true(ran));
    BOOST_TEST(ran);
}

BOOST_AUTO_TEST_CASE(exception_reaches_the_awaiting_task)
{
    BOOST_TEST(run(catch_from_callee()) == "no");
    BOOST_CHECK_THROW(run(fail_with("x")), failure);
}

BOOST_AUTO_TEST_CASE(million_synchronous_awaits_use_no_stack)
{
    BOOST_TEST(run(await_many(1'000'000)) == 1'000'000);
}

BOOST_AUTO_TEST_CASE(deep_chain_unwinds_without_stack)
{
    BOOST_TEST(run(sum_of_chain(100'000)) == 100'000);
}

BOOST_AUTO_TEST_CASE(second_await_is_an_error)
{
    BOOST_CHECK_THROW(run(await_twice()), std::logic_error);
}

BOOST_AUTO_TEST_CASE(moved_from_task_is_empty)
{
    auto a = value_of(1);
    auto b = std::move(a);
    BOOST_TEST(!a);
    BOOST_TEST(static_cast<bool>(b));
}

BOOST_AUTO_TEST_CASE(task_is_move_only)
{
    static_assert(!std::is_copy_constructible_v<task<int>>);
    static_assert(std::is_nothrow_move_constructible_v<task<int>>);
}

BOOST_AUTO_TEST_CASE(destroyed_task_destroys_its_locals_innermost_first)
{
    std::vector<std::string> log;
    {
        test::runner<void> r(loop, hold_outer(log));
        loop.run_present();
        BOOST_TEST(log.empty());
    }
    const std::vector<std::string> expected{"inner", "outer"};
    BOOST_TEST(log == expected, boost::test_tools::per_element());
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(callee_runs_on_the_callers_branch)
{
    BOOST_TEST(run(callee_shares_branch()));
}

BOOST_AUTO_TEST_CASE(frames_return_to_the_slab)
{
    const std::size_t before = detail::frame_bytes_in_use();
    run(sum_of_chain(100));
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(large_result_takes_no_room_in_a_frame_before_there_is_one)
{
    struct large
    {
        std::array<char, 1'000> bytes{};
    };

    auto make_large = []() -> task<large> { co_return large{}; };
    const std::size_t before = detail::frame_bytes_in_use();
    {
        auto t = make_large();
        BOOST_TEST(detail::frame_bytes_in_use() - before < 200u);
        BOOST_TEST(run(std::move(t)).bytes.size() == 1'000u);
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(running_name_is_seen_while_a_task_runs)
{
    auto observe = [](potoo::loop& l) -> task<std::string> { co_return *l.running.load(); };
    BOOST_TEST(run(observe(loop)) == "test");
    BOOST_TEST(loop.running.load() == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
