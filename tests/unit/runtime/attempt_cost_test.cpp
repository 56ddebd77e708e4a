// What an attempt costs: bytes while it waits, allocations while it runs. Counts what the program asks the allocator
// for, so it is a program of its own.

#include "test_engine.hpp"

#include <potoo/detail/frame_slab.hpp>

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

std::size_t allocations = 0;
std::size_t heap_bytes = 0;

} // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    void* p = std::malloc(size);
    if (!p)
        return nullptr;
    ++allocations;
    heap_bytes += ::malloc_usable_size(p);
    return p;
}

void* operator new(std::size_t size)
{
    void* p = operator new(size, std::nothrow);
    if (!p)
        throw std::bad_alloc();
    return p;
}

void operator delete(void* p) noexcept
{
    heap_bytes -= ::malloc_usable_size(p);
    std::free(p);
}

void operator delete(void* p, const std::nothrow_t&) noexcept
{
    operator delete(p);
}

void operator delete(void* p, std::size_t) noexcept
{
    operator delete(p);
}

namespace potoo::test {
namespace {

constexpr std::uint32_t attempts = 20'000;

task<json::value> wait_an_hour(context& ctx)
{
    const context::deferral waits(ctx);
    co_await sleep_for(std::chrono::hours(1));
    co_return nullptr;
}

std::size_t frame_of_the_operator = 0;

/// As above, and takes the measure of the frame.
task<json::value> measured_wait(context& ctx)
{
    const std::size_t before = detail::frame_bytes_in_use();
    auto t = wait_an_hour(ctx);
    frame_of_the_operator = detail::frame_bytes_in_use() - before;
    return t;
}

task<json::value> nothing(context&)
{
    co_return nullptr;
}

/// Under the sanitizer frames are not from the slab.
bool slab_is_in_use()
{
    detail::frame_deallocate(detail::frame_allocate(64), 64);
    const std::size_t before = allocations;
    detail::frame_deallocate(detail::frame_allocate(64), 64);
    return allocations == before;
}

struct forgetful_engine
{
    forgetful_engine()
    {
        registry.add("waits", measured_wait, {.summary = "Waits for an hour."});
        registry.add("nothing", nothing, {.summary = "Does nothing."});
    }

    runtime::run_executor& start(const std::string& text)
    {
        graph::load_result r = graph::load_dag(text, "test.yaml", registry);
        BOOST_TEST_REQUIRE((r.value != nullptr), graph::format_diagnostics(r));
        runtime::run_plan plan;
        plan.id = run_id("testrun00000");
        plan.dag = r.value;
        plan.created = loop.wall_now();
        executor = std::make_unique<runtime::run_executor>(services, std::move(plan), mask, observer);
        executor->start([this] { ended = true; });
        return *executor;
    }

    boost::asio::io_context context{1};
    virtual_loop loop{context};
    journal::memory_store store;
    runtime::commit_log log{loop, store, journal::writer_mode::discarding};
    operator_registry registry;
    no_http http;
    no_processes processes;
    std::mt19937_64 entropy{1};
    runtime::shared_objects shared;
    runtime::start_gate starts{loop, {}, [](const std::string&) {}};
    runtime::pool_book pools;
    runtime::services services{loop, http, processes, log, registry, std::ref(entropy), shared, starts, pools};
    runtime::secret_mask mask;
    runtime::run_observer observer;
    std::unique_ptr<runtime::run_executor> executor;
    bool ended = false;
};

std::string items(const std::string& operator_name, const std::string& more = {})
{
    return "tasks: {all: {operator: " + operator_name + ", foreach: '${{ range(" + std::to_string(attempts) + ") }}'" +
           more + "}}";
}

std::uint32_t in_state(const runtime::run_executor& run, schedule::task_state s)
{
    return run.machine().counts(task_index(0))[s];
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(attempt_cost, forgetful_engine)

BOOST_AUTO_TEST_CASE(attempt_takes_at_most_128_bytes)
{
    BOOST_TEST(sizeof(runtime::live_attempt) <= 128u);
}

BOOST_AUTO_TEST_CASE(waiting_attempt_takes_at_most_128_bytes_of_the_slab_beside_its_frame)
{
    start(items("waits"));
    const std::size_t before = detail::frame_bytes_in_use();
    loop.run(std::chrono::minutes(1));
    BOOST_TEST_REQUIRE(in_state(*executor, schedule::task_state::deferred) == attempts);
    const std::size_t each = (detail::frame_bytes_in_use() - before) / attempts;
    BOOST_TEST(each <= frame_of_the_operator + 128);
}

/// Its item, its rows in the machine and in the table of attempts, its timer, and what the slab rounds up.
BOOST_AUTO_TEST_CASE(waiting_attempt_takes_at_most_128_bytes_of_the_heap_beside_that)
{
    if (!slab_is_in_use())
        return;
    start(items("waits"));
    const std::size_t before = heap_bytes;
    loop.run(std::chrono::minutes(1));
    BOOST_TEST_REQUIRE(in_state(*executor, schedule::task_state::deferred) == attempts);
    // The last block of the slab is not full.
    constexpr std::size_t largest_block = std::size_t{4} << 20;
    const std::size_t all = heap_bytes - before - std::min(largest_block, heap_bytes - before);
    BOOST_TEST(all / attempts <= frame_of_the_operator + 128 + 128);
}

BOOST_AUTO_TEST_CASE(attempt_that_does_nothing_asks_the_allocator_for_next_to_nothing)
{
    if (!slab_is_in_use())
        return;
    start(items("nothing"));
    loop.step();
    const std::size_t before = allocations;
    loop.run();
    BOOST_TEST_REQUIRE(ended);
    BOOST_TEST(static_cast<double>(allocations - before) / attempts <= 0.25);
}

BOOST_AUTO_TEST_CASE(nothing_of_an_attempt_is_left_in_the_slab)
{
    const std::size_t before = detail::frame_bytes_in_use();
    start(items("waits"));
    loop.run();
    BOOST_TEST_REQUIRE(ended);
    executor.reset();
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(queued_items_take_no_frame)
{
    start(items("waits", ", max_active: 10"));
    const std::size_t before = detail::frame_bytes_in_use();
    loop.run(std::chrono::minutes(1));
    BOOST_TEST_REQUIRE(in_state(*executor, schedule::task_state::deferred) == 10u);
    BOOST_TEST(in_state(*executor, schedule::task_state::queued) == attempts - 10);
    BOOST_TEST(detail::frame_bytes_in_use() - before <= 10 * (frame_of_the_operator + 128));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace potoo::test
