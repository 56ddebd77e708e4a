#include "tests/unit/task/runner.hpp"

#include "engine/loop/real_loop.hpp"

#include <potoo/asio.hpp>
#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>

using namespace potoo;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using stream = asio::local::stream_protocol::socket;

namespace {

struct pair_of_sockets
{
    explicit pair_of_sockets(asio::io_context& c) : a(c), b(c) { asio::local::connect_pair(a, b); }

    stream a;
    stream b;
};

task<std::string> read_some(stream& s)
{
    std::array<char, 64> buffer;
    auto view = asio::buffer(buffer);
    auto n = co_await s.async_read_some(view, use_task);
    co_return n ? std::string(buffer.data(), *n) : n.error().message();
}

task<std::size_t> write_all(stream& s, std::string text)
{
    auto view = asio::buffer(text);
    auto n = co_await asio::async_write(s, view, use_task);
    co_return n.value();
}

task<boost::system::error_code> wait_for_timer(asio::steady_timer& t)
{
    auto r = co_await t.async_wait(use_task);
    co_return r ? boost::system::error_code() : r.error();
}

asio::awaitable<int> asio_sleep_and_return(int value, std::chrono::milliseconds d)
{
    asio::steady_timer t(co_await asio::this_coro::executor, d);
    co_await t.async_wait(asio::use_awaitable);
    co_return value;
}

asio::awaitable<int> asio_failure()
{
    throw std::runtime_error("from asio");
    co_return 0;
}

task<int> through_asio(int value)
{
    const int a = co_await as_task(asio_sleep_and_return(value, 1ms));
    co_return a + 1;
}

task<int> value_of(int x)
{
    co_await yield_now();
    co_return x;
}

task<int> never()
{
    co_await sleep_for(steady_clock::duration::max());
    co_return 0;
}

asio::awaitable<int> through_potoo(potoo::loop& l)
{
    const int x = co_await as_awaitable(l, value_of(20));
    co_return x + 1;
}

task<int> completes_inside_its_initiation()
{
    auto initiate = [](auto handler) { std::move(handler)(boost::system::error_code(), 9); };
    auto r = co_await asio::async_initiate<const use_task_t, void(boost::system::error_code, int)>(initiate, use_task);
    co_return r.value();
}

task<int> two_values()
{
    auto initiate = [](auto handler) {
        auto executor = asio::get_associated_executor(handler);
        asio::post(executor, [h = std::move(handler)]() mutable {
            std::move(h)(boost::system::error_code(), 1, std::string("x"));
        });
    };
    auto r = co_await asio::async_initiate<const use_task_t, void(boost::system::error_code, int, std::string)>(
        initiate, use_task);
    co_return std::get<0>(r.value()) + static_cast<int>(std::get<1>(r.value()).size());
}

struct real_fixture
{
    asio::io_context context{1};
    real_loop loop{context};

    template <class T>
    T run(task<T> t)
    {
        test::runner<T> r(loop, std::move(t));
        context.restart();
        context.run();
        BOOST_REQUIRE(r.ended());
        return r.take();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(asio_adapters, real_fixture)

BOOST_AUTO_TEST_CASE(operation_yields_its_value)
{
    pair_of_sockets p(context);
    test::runner<std::string> reader(loop, read_some(p.a));
    BOOST_TEST(run(write_all(p.b, "hello")) == 5u);
    BOOST_TEST(reader.ended());
    BOOST_TEST(reader.take() == "hello");
}

BOOST_AUTO_TEST_CASE(operation_yields_its_error_code)
{
    pair_of_sockets p(context);
    p.b.close();
    BOOST_TEST(run(read_some(p.a)) == asio::error::make_error_code(asio::error::eof).message());
}

BOOST_AUTO_TEST_CASE(operation_that_completes_inside_its_initiation_does_not_suspend)
{
    BOOST_TEST(run(completes_inside_its_initiation()) == 9);
}

BOOST_AUTO_TEST_CASE(operation_with_two_values_yields_a_tuple)
{
    BOOST_TEST(run(two_values()) == 2);
}

BOOST_AUTO_TEST_CASE(cancelled_operation_throws_the_reason)
{
    pair_of_sockets p(context);
    test::runner<std::string> r(loop, read_some(p.a));
    r.cancel(cancel_reason::user);
    context.run();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(operation_aborted_by_others_is_connection_aborted)
{
    asio::steady_timer t(context, 1h);
    test::runner<boost::system::error_code> r(loop, wait_for_timer(t));
    t.cancel();
    context.run();
    BOOST_TEST(r.ended());
    BOOST_TEST(r.take() == asio::error::make_error_code(asio::error::connection_aborted));
}

BOOST_AUTO_TEST_CASE(frame_destroyed_with_an_operation_in_flight_abandons_it)
{
    const std::size_t before = detail::frame_bytes_in_use();
    {
        pair_of_sockets p(context);
        {
            test::runner<std::string> r(loop, read_some(p.a));
        }
        context.run();
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(frame_outlives_the_io_context)
{
    auto other = std::make_unique<asio::io_context>(1);
    pair_of_sockets p(*other);
    test::runner<std::string> r(loop, read_some(p.a));
    p.a.release();
    p.b.release();
    BOOST_TEST(!r.ended());
    other.reset();
    BOOST_TEST(!r.ended());
}

BOOST_AUTO_TEST_CASE(asio_coroutine_is_awaited_in_a_task)
{
    BOOST_TEST(run(through_asio(4)) == 5);
}

BOOST_AUTO_TEST_CASE(exception_of_an_asio_coroutine_reaches_the_task)
{
    BOOST_CHECK_THROW(run(as_task(asio_failure())), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(cancellation_reaches_an_asio_coroutine)
{
    test::runner<int> r(loop, as_task(asio_sleep_and_return(1, 3'600'000ms)));
    context.poll();
    r.cancel(cancel_reason::deadline);
    context.run();
    BOOST_TEST(r.ended());
    BOOST_CHECK(r.ended_by() == cancel_reason::deadline);
}

BOOST_AUTO_TEST_CASE(task_is_awaited_in_an_asio_coroutine)
{
    auto f = asio::co_spawn(context, through_potoo(loop), asio::use_future);
    context.run();
    BOOST_TEST(f.get() == 21);
}

BOOST_AUTO_TEST_CASE(cancellation_of_an_asio_operation_reaches_the_task)
{
    asio::cancellation_signal signal;
    std::exception_ptr seen;
    bool ended = false;
    async_run(loop, "never", never(),
              asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, std::optional<int>) {
                  seen = e;
                  ended = true;
              }));
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    BOOST_TEST(ended);
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(seen), boost::system::system_error,
                          [](const auto& e) { return e.code() == asio::error::operation_aborted; });
}

BOOST_AUTO_TEST_CASE(loop_destroys_what_never_ended)
{
    const std::size_t before = detail::frame_bytes_in_use();
    {
        asio::io_context c(1);
        real_loop l(c);
        async_run(l, "never", never(), [](std::exception_ptr, std::optional<int>) {});
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_SUITE_END()
