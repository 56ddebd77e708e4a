#include "engine/loop/real_loop.hpp"
#include "engine/runtime/watchdog.hpp"
#include "tests/unit/task/runner.hpp"

#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <future>

using namespace potoo;

namespace {

task<> block_until(std::shared_future<void> f)
{
    f.wait();
    co_return;
}

} // namespace

BOOST_AUTO_TEST_SUITE(watchdogs)

BOOST_AUTO_TEST_CASE(operator_that_blocks_the_loop_is_named)
{
    boost::asio::io_context context{1};
    real_loop loop(context);
    std::promise<void> reported;
    std::string name;
    runtime::watchdog dog(loop, [&](const std::string& n) {
        name = n;
        reported.set_value();
    });
    // The report itself ends the block, so the test waits for nothing else.
    test::runner<void> r(loop, block_until(reported.get_future().share()));
    BOOST_TEST(r.ended());
    BOOST_TEST(name == "test");
}

BOOST_AUTO_TEST_SUITE_END()
