#include "engine/journal/memory_store.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/runtime/commit_log.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;

namespace {

journal::new_run a_run()
{
    journal::new_run r;
    r.id = run_id("r");
    r.dag = std::make_shared<journal::dag_document>();
    r.params = "{}";
    return r;
}

task<> wait_for(runtime::commit_log& log, journal::position p)
{
    co_await log.reached(p);
}

} // namespace

BOOST_AUTO_TEST_SUITE(commits)

BOOST_AUTO_TEST_CASE(coroutine_goes_on_when_its_record_is_durable)
{
    boost::asio::io_context context{1};
    real_loop loop(context);
    journal::memory_store store;
    runtime::commit_log log(loop, store, journal::writer_mode::threaded);
    log.create_run(a_run());
    journal::record r;
    r.run = journal::run_number(1);
    r.kind = journal::record_kind::paused;
    const auto p = log.append(r);
    auto work = boost::asio::make_work_guard(context);
    test::runner<void> waiting(loop, wait_for(log, p));
    while (!waiting.ended())
        context.run_one();
    BOOST_TEST(log.is_durable(p));
}

BOOST_AUTO_TEST_CASE(coroutine_that_is_told_to_stop_does_not_wait_for_the_disk)
{
    boost::asio::io_context context{1};
    real_loop loop(context);
    journal::memory_store store;
    runtime::commit_log log(loop, store, journal::writer_mode::manual);
    log.create_run(a_run());
    test::runner<void> waiting(loop, wait_for(log, log.last()));
    context.poll();
    BOOST_TEST(!waiting.ended());
    waiting.cancel(cancel_reason::user);
    context.restart();
    context.poll();
    BOOST_TEST(waiting.ended());
}

BOOST_AUTO_TEST_SUITE_END()
