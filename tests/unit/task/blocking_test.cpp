#include "engine/loop/real_loop.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/blocking.hpp>

#include <boost/test/unit_test.hpp>

#include <future>
#include <thread>

using namespace potoo;

namespace {

task<std::thread::id> thread_of_a_blocking_call()
{
    co_return co_await blocking([] { return std::this_thread::get_id(); });
}

task<int> blocking_failure()
{
    co_return co_await blocking([]() -> int { throw failure("blocked badly"); });
}

task<> blocking_until(std::shared_future<void> f)
{
    co_await blocking([f] { f.wait(); });
}

struct real_fixture
{
    boost::asio::io_context context{1};
    real_loop loop{context};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(blocking_calls, real_fixture)

BOOST_AUTO_TEST_CASE(function_runs_on_another_thread_and_the_task_goes_on_with_its_value)
{
    test::runner<std::thread::id> r(loop, thread_of_a_blocking_call());
    context.run();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.take() != std::this_thread::get_id());
}

BOOST_AUTO_TEST_CASE(exception_reaches_the_task)
{
    test::runner<int> r(loop, blocking_failure());
    context.run();
    BOOST_TEST(r.ended());
    BOOST_CHECK_THROW(r.take(), failure);
}

BOOST_AUTO_TEST_CASE(cancelled_task_does_not_wait_for_the_function)
{
    std::promise<void> release;
    test::runner<void> r(loop, blocking_until(release.get_future().share()));
    r.cancel(cancel_reason::user);
    context.run_one();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    release.set_value();
    context.run();
}

BOOST_AUTO_TEST_CASE(destroyed_task_leaves_the_function_alone)
{
    std::promise<void> release;
    {
        test::runner<void> r(loop, blocking_until(release.get_future().share()));
    }
    release.set_value();
    context.run();
}

BOOST_AUTO_TEST_SUITE_END()
