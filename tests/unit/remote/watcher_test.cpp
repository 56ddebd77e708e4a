#include "tests/unit/task/runner.hpp"

#include <potoo/error.hpp>
#include <potoo/wait.hpp>
#include <potoo/watcher.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

/// Ends after a number of looks.
class counted_watch final : public watch
{
  public:
    counted_watch(watcher& w, poll_pace pace, int looks_needed) : watch(w), needed(looks_needed), pace_(pace) {}

    const poll_pace& pace() const noexcept override { return pace_; }

    bool judge(const json::value& job) override
    {
        looked_at.push_back(owner().loop().now());
        if (job.is_string())
            throw fatal(std::string(job.get_string()));
        return ++looked >= needed;
    }

    bool judge_missing() override
    {
        ++missed;
        return missed >= 2;
    }

    void disturbed(std::string_view why) override { troubles.emplace_back(why); }

    int needed;
    int looked = 0;
    int missed = 0;
    std::vector<std::string> troubles;
    std::vector<steady_time> looked_at;

  private:
    poll_pace pace_;
};

/// Answers every job of a page after some time, unless the test says otherwise.
class fake_watcher final : public watcher
{
  public:
    fake_watcher(potoo::loop& l, limits lim) : watcher(l, "fake", lim), loop_(l) {}

    ~fake_watcher() override { stop(); }

    task<> look(page p) override
    {
        started.push_back(loop_.now());
        sizes.push_back(p.size());
        most_at_once = std::max(most_at_once, ++at_once);

        struct leave
        {
            int& n;

            ~leave() { --n; }
        } guard{at_once};

        const duration takes = latency_of ? latency_of(p.size()) : latency;
        if (takes > duration::zero())
            co_await sleep_for(takes);
        if (before_answers)
            before_answers(*this);
        for (watch* const& w : p) {
            if (!w)
                continue;
            if (all_missing)
                missing(*w);
            else
                answer(*w, job);
        }
    }

    using watcher::throttle;

    potoo::loop& loop_;
    duration latency{10};
    std::function<duration(std::size_t size)> latency_of; ///< when a call begins; unless it is empty
    std::function<void(fake_watcher&)> before_answers;
    json::value job = json::object();
    bool all_missing = false;
    std::vector<steady_time> started;
    std::vector<std::size_t> sizes;
    int at_once = 0;
    int most_at_once = 0;
};

constexpr poll_pace steady_pace{2'000ms, 2'000ms, 1.0, 2'000ms};
constexpr poll_pace growing_pace{1'000ms, 10'000ms, 2.0, 1'000ms};
constexpr poll_pace hurried{0ms, 0ms, 1.0};

task<> wait_for(watch& w)
{
    co_await w;
}

struct waiters : test::fixture
{
    void add(fake_watcher& w, poll_pace pace, int looks_needed)
    {
        watches.push_back(std::make_unique<counted_watch>(w, pace, looks_needed));
        tasks.push_back(std::make_unique<test::runner<void>>(loop, wait_for(*watches.back())));
    }

    [[nodiscard]] std::size_t ended() const
    {
        return static_cast<std::size_t>(
            std::count_if(tasks.begin(), tasks.end(), [](const auto& t) { return t->ended(); }));
    }

    std::vector<std::unique_ptr<test::runner<void>>> tasks;
    std::vector<std::unique_ptr<counted_watch>> watches; ///< destroyed before the branches that wait for them
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(watchers, waiters)

BOOST_AUTO_TEST_CASE(jobs_of_one_pace_cost_one_call_a_page_and_round)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 4});
    for (int i = 0; i < 950; ++i)
        add(w, steady_pace, 3);
    loop.run();
    BOOST_TEST(ended() == 950u);
    BOOST_TEST(w.calls() == 30u);
    BOOST_TEST(w.looks() == 2850u);
    BOOST_TEST(w.most_at_once == 4);
}

/// A look is early by the spread and by the rounding of times.
bool is_gap_of(steady_clock::duration gap, duration interval)
{
    return gap >= interval * 92 / 100 - 20ms && gap <= interval * 97 / 100;
}

BOOST_AUTO_TEST_CASE(call_that_answers_for_all_takes_those_along_that_are_not_due)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 4, .whole = true});
    for (int i = 0; i < 4; ++i) {
        add(w, steady_pace, 5);
        loop.run(900ms);
    }
    loop.run();
    BOOST_TEST(ended() == 4u);
    BOOST_TEST(w.sizes == (std::vector<std::size_t>{1, 2, 3, 4, 4, 3, 2, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(interval_does_not_grow_by_going_along)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 4, .whole = true});
    w.latency = 0ms;
    add(w, growing_pace, 20);
    add(w, {400ms, 400ms, 1.0, 400ms}, 10);
    loop.run();
    BOOST_TEST_REQUIRE(w.started.size() > 12u);
    BOOST_CHECK(w.started[10] - w.started[9] <= 1'000ms);
    BOOST_CHECK(w.started[11] - w.started[10] >= 1'800ms);
}

BOOST_AUTO_TEST_CASE(looks_are_a_little_less_than_an_interval_apart)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    w.latency = 0ms;
    const steady_time start = loop.now();
    add(w, steady_pace, 2);
    loop.run();
    BOOST_TEST_REQUIRE(w.started.size() == 2u);
    BOOST_CHECK(w.started[0] - start >= 1'980ms);
    BOOST_CHECK(w.started[0] - start <= 2'000ms);
    BOOST_CHECK(is_gap_of(w.started[1] - w.started[0], 2'000ms));
}

BOOST_AUTO_TEST_CASE(first_look_comes_soon_and_is_shared)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 4});
    const steady_time start = loop.now();
    for (int i = 0; i < 60; ++i) {
        add(w, {10'000ms, 10'000ms, 1.0}, 2);
        loop.run(1ms);
    }
    loop.run();
    BOOST_TEST_REQUIRE(w.calls() == 2u);
    BOOST_CHECK(w.started[0] - start <= 250ms);
    BOOST_CHECK(w.started[0] - start >= 200ms);
    BOOST_CHECK(w.started[1] - w.started[0] >= 9'000ms);
    BOOST_CHECK(w.started[1] - w.started[0] <= 10'000ms);
}

BOOST_AUTO_TEST_CASE(first_look_is_not_later_than_a_short_interval)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    const steady_time start = loop.now();
    add(w, {100ms, 100ms, 1.0}, 1);
    loop.run();
    BOOST_CHECK(w.started.front() - start <= 100ms);
}

BOOST_AUTO_TEST_CASE(interval_grows_by_the_backoff_up_to_its_maximum)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    w.latency = 0ms;
    add(w, growing_pace, 8);
    loop.run();
    const std::vector<duration> want{1'000ms, 2'000ms, 4'000ms, 8'000ms, 10'000ms, 10'000ms, 10'000ms};
    BOOST_TEST_REQUIRE(w.started.size() == 8u);
    for (std::size_t i = 0; i < want.size(); ++i)
        BOOST_CHECK(is_gap_of(w.started[i + 1] - w.started[i], want[i]));
}

BOOST_AUTO_TEST_CASE(ten_thousand_jobs_cost_a_hundred_calls_a_round)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 8});
    // Launched over three seconds, as jobs are.
    for (int i = 0; i < 10'000; ++i) {
        add(w, {10'000ms, 10'000ms, 1.0}, 1'000);
        if (i % 10 == 0)
            loop.run(3ms);
    }
    loop.run(60s);
    const std::uint64_t calls = w.calls();
    const std::uint64_t looks = w.looks();
    loop.run(60s);
    // Every page but some at the edges of a round is full.
    BOOST_TEST((w.looks() - looks) >= 60'000u);
    BOOST_TEST((w.calls() - calls) * 100 <= (w.looks() - looks) * 101 / 100);
    for (auto& t : tasks)
        t->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(page_is_filled_with_no_job_long_before_its_own_interval)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 4});
    for (int i = 0; i < 40; ++i) {
        add(w, {60s, 60s, 1.0}, 1'000);
        loop.run(1'500ms);
    }
    add(w, {3s, 3s, 1.0}, 50);
    add(w, {2s, 60s, 2.0}, 7);
    loop.run(200s);
    const auto gaps_of = [](const counted_watch& c, std::size_t n) {
        BOOST_TEST_REQUIRE(c.looked_at.size() > n);
        return c.looked_at[n] - c.looked_at[n - 1];
    };
    const counted_watch& steady = *watches[40];
    for (std::size_t i = 1; i < 50; ++i)
        BOOST_CHECK(gaps_of(steady, i) >= 3s * 84 / 100);
    const counted_watch& growing = *watches[41];
    duration interval = 2s;
    for (std::size_t i = 1; i < 7; ++i, interval = std::min<duration>(interval * 2, 60s)) {
        BOOST_CHECK(gaps_of(growing, i) >= interval * 84 / 100 - 16ms);
        BOOST_CHECK(gaps_of(growing, i) <= interval);
    }
    for (auto& t : tasks)
        t->cancel(cancel_reason::user);
    loop.run();
}

BOOST_AUTO_TEST_CASE(calls_keep_to_the_rate)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 50, .per_second = 20});
    for (int i = 0; i < 100; ++i)
        add(w, hurried, 1);
    const steady_time start = loop.now();
    loop.run();
    BOOST_TEST(ended() == 100u);
    for (std::size_t i = 20; i < w.started.size(); ++i)
        BOOST_CHECK(w.started[i] - w.started[i - 20] >= 1s);
    BOOST_CHECK(loop.now() - start >= 4'900ms);
    BOOST_CHECK(loop.now() - start <= 5'200ms);
    BOOST_CHECK_THROW(fake_watcher(loop, {.page = 1, .concurrency = 1, .per_second = -1}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(rates_beyond_a_thousand_a_second_are_reached_and_kept)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 100, .per_second = 5'000});
    w.latency = 2ms;
    for (int i = 0; i < 200; ++i)
        add(w, hurried, 50);
    const steady_time start = loop.now();
    loop.run();
    BOOST_TEST_REQUIRE(w.started.size() == 10'000u);
    BOOST_CHECK(loop.now() - start <= 2'050ms);
    for (std::size_t i = 5'000; i < w.started.size(); ++i)
        BOOST_REQUIRE(w.started[i] - w.started[i - 5'000] >= 1s);
}

struct under_load : waiters
{
    /// 64 jobs, asked about for a while by calls that take 20 ms.
    void begin(fake_watcher& w)
    {
        w.latency = 20ms;
        for (int i = 0; i < 64; ++i)
            add(w, hurried, 1'000'000);
        run(w, 5s);
    }

    /// Notes the least number of calls at once that was allowed meanwhile.
    void run(fake_watcher& w, duration d)
    {
        lowest = w.concurrency();
        w.before_answers = [this](fake_watcher& f) { lowest = std::min(lowest, f.concurrency()); };
        loop.run(d);
    }

    void stop()
    {
        for (auto& t : tasks)
            t->cancel(cancel_reason::user);
        loop.run();
    }

    std::size_t lowest = 0;
};

BOOST_FIXTURE_TEST_CASE(latency_that_grows_with_the_calls_at_once_makes_them_fewer_down_to_a_quarter, under_load)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 16});
    begin(w);
    BOOST_TEST(lowest == 16u);
    w.latency_of = [&](std::size_t) { return w.at_once * 200ms; };
    run(w, 30s);
    BOOST_TEST(lowest == 4u);
    w.latency_of = nullptr;
    run(w, 60s);
    BOOST_TEST(w.concurrency() == 16u);
    stop();
}

BOOST_FIXTURE_TEST_CASE(latency_that_fewer_calls_do_not_lower_restores_them, under_load)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 16});
    begin(w);
    w.latency = 2'000ms;
    run(w, 30s);
    BOOST_TEST(lowest == 8u);
    BOOST_TEST(w.concurrency() == 16u);
    run(w, 10min);
    BOOST_TEST(lowest == 16u);
    stop();
}

BOOST_FIXTURE_TEST_CASE(throttling_while_slow_calls_are_on_trial_is_not_undone, under_load)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 16});
    begin(w);
    w.latency = 2'000ms;
    while (w.concurrency() == 16u)
        loop.run(10ms);
    w.throttle(loop.now() + 1s);
    run(w, 6s);
    BOOST_TEST(lowest == 4u);
    BOOST_TEST(w.concurrency() <= 5u);
    stop();
}

BOOST_FIXTURE_TEST_CASE(few_quick_answers_among_slow_ones_are_no_overload, under_load)
{
    for (const int quick_one_in : {50, 10, 3, 2}) {
        fake_watcher w(loop, {.page = 1, .concurrency = 16});
        int n = 0;
        w.latency_of = [&](std::size_t) { return ++n % quick_one_in == 0 ? 5ms : 600ms; };
        for (int i = 0; i < 64; ++i)
            add(w, hurried, 1'000'000);
        run(w, 10min);
        BOOST_TEST(lowest == 16u);
        stop();
    }
}

BOOST_FIXTURE_TEST_CASE(few_slow_answers_among_quick_ones_are_no_overload, under_load)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 16});
    int n = 0;
    w.latency_of = [&](std::size_t) { return ++n % 20 < 2 ? 3'000ms : 20ms; };
    for (int i = 0; i < 64; ++i)
        add(w, hurried, 1'000'000);
    run(w, 10min);
    BOOST_TEST(lowest == 16u);
    stop();
}

BOOST_FIXTURE_TEST_CASE(pages_of_mixed_size_are_no_overload, under_load)
{
    fake_watcher w(loop, {.page = 100, .concurrency = 16});
    w.latency_of = [](std::size_t size) { return 5ms + size * 10ms; };
    for (int i = 0; i < 700; ++i) {
        add(w, i % 10 == 0 ? poll_pace{700ms, 700ms, 1.0} : poll_pace{5'000ms, 5'000ms, 1.0}, 1'000'000);
        loop.run(3ms);
    }
    run(w, 10min);
    BOOST_TEST(lowest == 16u);
    BOOST_TEST((*std::max_element(w.sizes.begin(), w.sizes.end()) >= 50u));
    stop();
}

BOOST_AUTO_TEST_CASE(latency_that_is_high_from_the_start_is_the_services_own)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 16});
    w.latency = 1'000ms;
    for (int i = 0; i < 64; ++i)
        add(w, hurried, 20);
    loop.run();
    BOOST_TEST(w.concurrency() == 16u);
}

BOOST_AUTO_TEST_CASE(watch_may_be_awaited_again)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    add(w, hurried, 1);
    loop.run();
    BOOST_TEST(ended() == 1u);
    watches[0]->needed = 3;
    tasks.push_back(std::make_unique<test::runner<void>>(loop, wait_for(*watches[0])));
    loop.run();
    BOOST_TEST(ended() == 2u);
    BOOST_TEST(watches[0]->looked == 3);
}

BOOST_AUTO_TEST_CASE(waiting_job_costs_80_bytes_and_a_pointer)
{
    BOOST_TEST(sizeof(watch) <= 80u);
}

BOOST_AUTO_TEST_CASE(spread_is_the_same_in_every_run)
{
    const auto times = [] {
        test::fixture f;
        fake_watcher w(f.loop, {.page = 1, .concurrency = 1});
        counted_watch one(w, steady_pace, 20);
        f.run(wait_for(one));
        return w.started;
    };
    const auto first = times();
    BOOST_CHECK(first == times());
    std::vector<steady_clock::duration> gaps;
    for (std::size_t i = 1; i < first.size(); ++i)
        gaps.push_back(first[i] - first[i - 1]);
    BOOST_CHECK(*std::min_element(gaps.begin(), gaps.end()) != *std::max_element(gaps.begin(), gaps.end()));
}

BOOST_AUTO_TEST_CASE(no_more_calls_run_at_once_than_the_limit)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 7});
    for (int i = 0; i < 100; ++i)
        add(w, steady_pace, 5);
    loop.run();
    BOOST_TEST(ended() == 100u);
    BOOST_TEST(w.most_at_once == 7);
    BOOST_TEST(w.calls() == 500u);
}

BOOST_AUTO_TEST_CASE(interval_zero_asks_again_at_once_at_the_end_of_the_line)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    add(w, hurried, 100);
    add(w, hurried, 2);
    loop.run();
    BOOST_TEST(ended() == 2u);
    BOOST_TEST(w.calls() == 102u);
    BOOST_CHECK(loop.elapsed() == 1020ms);
}

BOOST_AUTO_TEST_CASE(interval_zero_with_answers_at_once_leaves_others_their_turn)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 2});
    w.latency = 0ms;
    add(w, hurried, 100'000);
    boost::asio::post(context, [&] { tasks[0]->cancel(cancel_reason::user); });
    loop.run();
    BOOST_TEST_REQUIRE(ended() == 1u);
    BOOST_CHECK(tasks[0]->ended_by() == cancel_reason::user);
    BOOST_TEST(w.calls() < 100u);
}

BOOST_AUTO_TEST_CASE(watch_that_is_cancelled_in_the_line_is_not_asked_about)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    for (int i = 0; i < 3; ++i)
        add(w, hurried, 1);
    tasks[1]->cancel(cancel_reason::user);
    loop.run();
    BOOST_TEST(ended() == 3u);
    BOOST_TEST(w.calls() == 2u);
    BOOST_CHECK(tasks[1]->ended_by() == cancel_reason::user);
}

BOOST_AUTO_TEST_CASE(watch_that_is_destroyed_in_the_line_is_not_asked_about)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    for (int i = 0; i < 3; ++i)
        add(w, hurried, 1);
    watches[1].reset();
    tasks.erase(tasks.begin() + 1);
    loop.run();
    BOOST_TEST(ended() == 2u);
    BOOST_TEST(w.looks() == 2u);
}

BOOST_AUTO_TEST_CASE(watch_that_leaves_a_page_gets_no_answer)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    for (int i = 0; i < 4; ++i)
        add(w, hurried, 1);
    w.before_answers = [&](fake_watcher&) {
        tasks[0]->cancel(cancel_reason::user);
        watches[1].reset();
        tasks.erase(tasks.begin() + 1);
    };
    loop.run();
    BOOST_TEST(ended() == 3u);
    BOOST_TEST(watches[0]->looked == 0);
    BOOST_CHECK(tasks[0]->ended_by() == cancel_reason::user);
    BOOST_TEST(watches[3]->looked == 1);
}

BOOST_AUTO_TEST_CASE(watch_that_is_cancelled_or_destroyed_before_it_is_due_leaves_no_timer)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    add(w, steady_pace, 1);
    add(w, steady_pace, 1);
    loop.run(1s);
    tasks[0]->cancel(cancel_reason::deadline);
    watches[1].reset();
    tasks.pop_back();
    BOOST_TEST(loop.timers() == 0u);
    loop.run();
    BOOST_TEST(w.calls() == 0u);
    BOOST_CHECK(tasks[0]->ended_by() == cancel_reason::deadline);
}

BOOST_AUTO_TEST_CASE(failing_calls_are_repeated_ever_later_and_told_to_the_watch)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 1});
    w.latency = 0ms;
    w.before_answers = [](fake_watcher& f) {
        if (f.started.size() <= 9)
            throw failure("no answer");
    };
    add(w, hurried, 1);
    loop.run();
    BOOST_TEST(ended() == 1u);
    BOOST_CHECK_NO_THROW(tasks[0]->take());
    BOOST_TEST(watches[0]->troubles.size() == 9u);
    BOOST_TEST(watches[0]->troubles[0] == "no answer");
    const std::vector<duration> want{500ms, 1'000ms, 2'000ms, 4'000ms, 8'000ms, 16'000ms, 30'000ms, 30'000ms, 30'000ms};
    BOOST_TEST_REQUIRE(w.started.size() == 10u);
    for (std::size_t i = 0; i < want.size(); ++i) {
        const auto gap = w.started[i + 1] - w.started[i];
        BOOST_CHECK(is_gap_of(gap, want[i]));
    }
}

BOOST_AUTO_TEST_CASE(call_that_fails_for_good_ends_the_waits_of_its_page)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    w.before_answers = [](fake_watcher&) { throw fatal("not allowed"); };
    add(w, steady_pace, 1);
    add(w, steady_pace, 1);
    loop.run();
    BOOST_TEST(ended() == 2u);
    BOOST_CHECK_THROW(tasks[0]->take(), fatal);
    BOOST_CHECK_THROW(tasks[1]->take(), fatal);
}

BOOST_AUTO_TEST_CASE(judgement_that_throws_ends_that_wait_only)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    add(w, steady_pace, 3);
    w.job = "state is no string";
    loop.run();
    BOOST_CHECK_THROW(tasks[0]->take(), fatal);
    w.job = json::object();
    add(w, steady_pace, 3);
    loop.run();
    BOOST_CHECK_NO_THROW(tasks[1]->take());
}

BOOST_AUTO_TEST_CASE(job_that_is_missing_is_asked_about_until_the_watch_gives_up)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    w.all_missing = true;
    add(w, steady_pace, 1);
    loop.run();
    BOOST_TEST(ended() == 1u);
    BOOST_TEST(watches[0]->missed == 2);
    BOOST_TEST(w.calls() == 2u);
}

BOOST_AUTO_TEST_CASE(throttling_pauses_all_calls_and_halves_how_many_run_at_once)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 8});
    for (int i = 0; i < 40; ++i)
        add(w, hurried, 20);
    std::optional<steady_time> pause_from;
    w.before_answers = [&](fake_watcher& f) {
        if (!pause_from)
            pause_from = loop.now();
        // All eight that are under way are turned away, which counts once.
        if (loop.now() == *pause_from) {
            f.throttle(*pause_from + 5s);
            throw failure("429");
        }
    };
    std::size_t lowest = 8;
    const auto note = w.before_answers;
    w.before_answers = [&](fake_watcher& f) {
        note(f);
        lowest = std::min(lowest, f.concurrency());
    };
    loop.run();
    BOOST_TEST(ended() == 40u);
    BOOST_TEST(lowest == 4u);
    BOOST_TEST(w.concurrency() == 8u);
    for (std::size_t i = 0; i < watches.size(); ++i)
        BOOST_CHECK(watches[i]->troubles == std::vector<std::string>(i < 8 ? 1 : 0, "429"));
    for (const steady_time t : w.started)
        BOOST_CHECK(t <= *pause_from || t >= *pause_from + 5s);
}

BOOST_AUTO_TEST_CASE(concurrency_grows_by_one_for_each_round_of_good_calls)
{
    fake_watcher w(loop, {.page = 1, .concurrency = 8});
    w.throttle(loop.now() + 1s);
    BOOST_TEST(w.concurrency() == 4u);
    for (int i = 0; i < 4; ++i)
        add(w, hurried, 1);
    loop.run();
    BOOST_TEST(w.concurrency() == 5u);
    for (int i = 0; i < 4; ++i)
        add(w, hurried, 1);
    loop.run();
    BOOST_TEST(w.concurrency() == 5u);
    add(w, hurried, 1);
    loop.run();
    BOOST_TEST(w.concurrency() == 6u);
}

BOOST_AUTO_TEST_CASE(slow_watcher_does_not_hold_up_another)
{
    fake_watcher slow(loop, {.page = 1, .concurrency = 1});
    slow.latency = std::chrono::hours(1);
    fake_watcher quick(loop, {.page = 1, .concurrency = 1});
    add(slow, hurried, 1);
    add(quick, hurried, 1);
    loop.run(1s);
    BOOST_TEST(ended() == 1u);
    BOOST_TEST(tasks[1]->ended());
}

BOOST_AUTO_TEST_CASE(watcher_may_go_down_with_calls_under_way_and_jobs_in_line)
{
    const std::size_t before = detail::frame_bytes_in_use();
    {
        test::fixture f;
        auto w = std::make_unique<fake_watcher>(f.loop, watcher::limits{.page = 2, .concurrency = 1});
        std::deque<counted_watch> all;
        std::deque<test::runner<void>> running;
        for (int i = 0; i < 5; ++i)
            running.emplace_back(f.loop, wait_for(all.emplace_back(*w, hurried, 1)));
        f.loop.run(5ms);
        BOOST_TEST(w->at_once == 1);
        w.reset();
        for (auto& r : running)
            r.cancel(cancel_reason::shutdown);
        f.loop.run();
        for (auto& r : running)
            BOOST_CHECK(r.ended_by() == cancel_reason::shutdown);
    }
    BOOST_TEST(detail::frame_bytes_in_use() == before);
}

BOOST_AUTO_TEST_CASE(watcher_without_room_is_refused)
{
    BOOST_CHECK_THROW(fake_watcher(loop, {.page = 0, .concurrency = 1}), std::invalid_argument);
    BOOST_CHECK_THROW(fake_watcher(loop, {.page = 1, .concurrency = 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(report_tells_what_is_asked_and_what_fails)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 4});
    for (int i = 0; i < 25; ++i)
        add(w, steady_pace, 2);
    loop.run(100ms);
    BOOST_TEST(w.report().name == "fake");
    BOOST_TEST(w.report().waiting == 25u);
    BOOST_TEST(w.report().under_way == 0u);
    w.before_answers = [](fake_watcher&) { throw failure("the line is busy"); };
    loop.run(3s);
    BOOST_TEST(w.report().failures == 3u);
    BOOST_TEST(w.report().last_failure == "the line is busy");
    w.before_answers = nullptr;
    loop.run();
    BOOST_TEST(ended() == 25u);
    const watcher_report r = w.report();
    BOOST_TEST(r.waiting == 0u);
    BOOST_TEST(r.calls == w.calls());
    BOOST_TEST(r.looks == 75u);
    BOOST_TEST(r.last_failure.empty());
}

BOOST_AUTO_TEST_CASE(report_tells_calls_that_do_not_end_from_pauses_that_were_asked_for)
{
    fake_watcher w(loop, {.page = 10, .concurrency = 1});
    w.latency = 10min;
    add(w, steady_pace, 1);
    loop.run(5min);
    BOOST_TEST(w.report().under_way == 1u);
    BOOST_TEST((w.report().stuck_for > 4min));
    BOOST_TEST((w.report().paused_for == 0ms));
    w.throttle(loop.now() + 1min);
    BOOST_TEST(w.report().throttled == 1u);
    BOOST_TEST((w.report().stuck_for == 0ms));
    BOOST_TEST((w.report().paused_for == 1min));
}

BOOST_AUTO_TEST_CASE(reports_are_those_of_a_loop)
{
    boost::asio::io_context other_context(1);
    virtual_loop other(other_context);
    const fake_watcher first(loop, {});
    {
        const fake_watcher elsewhere(other, {});
        const fake_watcher second(loop, {});
        BOOST_TEST(watcher_reports(loop).size() == 2u);
        BOOST_TEST(watcher_reports(other).size() == 1u);
    }
    BOOST_TEST(watcher_reports(loop).size() == 1u);
    BOOST_TEST(watcher_reports(other).empty());
}

BOOST_AUTO_TEST_SUITE_END()
