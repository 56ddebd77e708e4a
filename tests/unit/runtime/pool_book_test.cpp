#include "engine/runtime/pool_book.hpp"
#include "tests/unit/runtime/test_engine.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

using namespace potoo;
using namespace std::chrono_literals;
using runtime::pool_book;

namespace {

/// A run that wants as many slots as it can get.
struct greedy final : pool_book::client
{
    explicit greedy(pool_book& b, std::uint32_t declared) : book(b) { b.join(*this, {{"p", declared}}); }

    ~greedy() { book.leave(*this); }

    void ask()
    {
        asked = false;
        used += book.lease(*this, pool_index(0), used);
        book.note(*this, pool_index(0), used, true);
    }

    void give_back(std::uint32_t n)
    {
        used -= n;
        asked = true;
    }

    void may_have_slots() override { asked = true; }

    pool_book& book;
    std::uint32_t used = 0;
    bool asked = true;
};

void settle(std::deque<greedy>& runs)
{
    for (int turn = 0; turn < 1'000; ++turn) {
        bool any = false;
        for (greedy& r : runs) {
            if (!r.asked)
                continue;
            any = true;
            r.ask();
        }
        if (!any)
            return;
    }
    BOOST_FAIL("the runs ask one another for ever");
}

std::uint32_t used_by_all(const std::deque<greedy>& runs)
{
    std::uint32_t all = 0;
    for (const greedy& r : runs)
        all += r.used;
    return all;
}

/// Another run of an engine, of the same pool.
struct second_run
{
    second_run(test::engine& e, const std::string& yaml, const char* id)
    {
        runtime::run_plan plan;
        plan.id = run_id(id);
        plan.dag = e.load(yaml);
        plan.created = e.loop.wall_now();
        executor = std::make_unique<runtime::run_executor>(e.services, std::move(plan), e.mask, e.observer);
        executor->start([this] { ended = true; });
    }

    std::unique_ptr<runtime::run_executor> executor;
    bool ended = false;
};

constexpr const char* many = "pools: {p: 4}\ntasks:\n"
                             "  all: {operator: work, pool: p, foreach: \"${{ range(40) }}\", with: {for: 10}}\n";

} // namespace

BOOST_AUTO_TEST_SUITE(pool_book_test)

BOOST_AUTO_TEST_CASE(smallest_declaration_holds_until_somebody_resizes)
{
    pool_book book;
    std::deque<greedy> runs;
    runs.emplace_back(book, 5);
    BOOST_TEST(book.all().front().slots == 5u);
    runs.emplace_back(book, 3);
    BOOST_TEST(book.all().front().slots == 3u);
    runs.pop_back();
    BOOST_TEST(book.all().front().slots == 5u);
    book.resize("p", 8);
    BOOST_TEST(book.all().front().slots == 8u);
    BOOST_TEST(book.all().front().resized);
    runs.clear();
    BOOST_TEST(book.all().size() == 1u);
}

BOOST_AUTO_TEST_CASE(pool_that_is_reset_has_what_is_declared_and_is_forgotten_with_its_runs)
{
    pool_book book;
    book.reset("p");
    std::deque<greedy> runs;
    runs.emplace_back(book, 5);
    book.resize("p", 2);
    settle(runs);
    BOOST_TEST(runs.front().used == 2u);
    book.reset("p");
    BOOST_TEST(book.all().front().slots == 5u);
    BOOST_TEST(!book.all().front().resized);
    settle(runs);
    BOOST_TEST(runs.front().used == 5u);
    runs.clear();
    BOOST_TEST(book.all().empty());
    book.resize("p", 2);
    book.reset("p");
    BOOST_TEST(book.all().empty());
}

BOOST_AUTO_TEST_CASE(slots_are_never_given_twice_and_none_is_left)
{
    pool_book book;
    std::deque<greedy> runs;
    for (int i = 0; i < 7; ++i)
        runs.emplace_back(book, 20);
    settle(runs);
    BOOST_TEST(used_by_all(runs) == 20u);
}

BOOST_AUTO_TEST_CASE(run_that_has_all_gives_way_to_others_as_it_gives_back)
{
    pool_book book;
    std::deque<greedy> runs;
    runs.emplace_back(book, 10);
    settle(runs);
    BOOST_TEST(runs.front().used == 10u);
    runs.emplace_back(book, 10);
    settle(runs);
    BOOST_TEST(runs.back().used == 0u);
    for (int i = 0; i < 5; ++i) {
        runs.front().give_back(1);
        settle(runs);
    }
    BOOST_TEST(runs.front().used == 5u);
    BOOST_TEST(runs.back().used == 5u);
    book.resize("p", 16);
    settle(runs);
    BOOST_TEST(runs.front().used == 8u);
    BOOST_TEST(runs.back().used == 8u);
    book.resize("p", 2);
    settle(runs);
    BOOST_TEST(used_by_all(runs) == 16u);
    runs.pop_back();
    settle(runs);
    BOOST_TEST(runs.front().used == 8u);
}

BOOST_FIXTURE_TEST_CASE(runs_of_an_engine_share_a_pool, test::engine)
{
    start(many);
    second_run other(*this, many, "secondrun000");
    std::uint32_t most = 0;
    bool both = false;
    while (!ended || !other.ended) {
        loop.run(1s);
        const auto first = executor->machine().in_flight();
        const auto second = other.executor->machine().in_flight();
        most = std::max(most, first + second);
        both = both || (first == 2 && second == 2);
    }
    BOOST_TEST(most == 4u);
    BOOST_TEST(both);
    BOOST_CHECK(other.executor->machine().state() == schedule::run_state::success);
}

BOOST_FIXTURE_TEST_CASE(pool_is_resized_while_runs_wait_for_it, test::engine)
{
    pools.resize("p", 0);
    start(many);
    loop.run(60s);
    BOOST_TEST(executor->machine().in_flight() == 0u);
    BOOST_TEST(executor->machine().waiting_for(pool_index(0)) == 40u);
    BOOST_TEST(executor->why(task_index(0), std::nullopt).reasons.front().code == "pool_full");
    pools.resize("p", 40);
    loop.run(1s);
    BOOST_TEST(executor->machine().in_flight() == 40u);
    loop.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_SUITE_END()
