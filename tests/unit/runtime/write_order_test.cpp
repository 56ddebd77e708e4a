// What waits for the journal, on one that writes only when it is told to.
#include "engine/runtime/launch_name.hpp"
#include "tests/unit/runtime/durable_operators.hpp"

using namespace potoo;
using namespace potoo::test;
using namespace std::chrono_literals;
using names = std::vector<std::string>;

namespace {

task<json::value> pays_after_asking_for_the_time(context& ctx)
{
    co_await ctx.now();
    tell("asked");
    co_await ctx.step("pay", change("pay"));
    co_return nullptr;
}

struct slow_journal : durable_engine, runtime::commit_log::listener
{
    slow_journal()
    {
        add("pays_after_asking_for_the_time", pays_after_asking_for_the_time);
        add("run_job", run_job);
        slow.set_listener(this);
    }

    ~slow_journal() override { slow.set_listener(nullptr); }

    void begin(const std::string& dag)
    {
        runtime::run_plan plan;
        plan.id = run_id("testrun00000");
        plan.dag = load(dag);
        plan.created = loop.wall_now();
        executor = std::make_unique<runtime::run_executor>(slow_services, std::move(plan), mask, observer);
        executor->start([this] { ended = true; });
    }

    void durable(journal::position p) override { executor->durable(p); }

    void write_failed(const journal::store_error&) override {}

    void write_recovered() override {}

    void write_all()
    {
        do {
            loop.run_present();
        } while (slow.write_next());
    }

    void begin_job()
    {
        begin(dag_of("run_job"));
        for (int i = 0; i < 3; ++i) {
            write_all();
            loop.run(100ms);
        }
        BOOST_TEST_REQUIRE(the_world().running_jobs() == 1u);
        the_world().jobs.begin()->second.polls_left = 100'000;
        write_all();
    }

    [[nodiscard]] bool job_was_cancelled() const { return the_world().jobs.begin()->second.cancelled; }

    runtime::commit_log slow{loop, store, journal::writer_mode::manual};
    runtime::services slow_services{loop,   http,   processes, slow, test_operators(), std::ref(entropy),
                                    shared, starts, pools};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(write_order, slow_journal)

BOOST_AUTO_TEST_CASE(work_of_a_step_begins_when_what_came_before_is_durable)
{
    begin(dag_of("pays_after_asking_for_the_time"));
    while (the_world().seen.empty()) {
        loop.run_present();
        if (the_world().seen.empty())
            BOOST_TEST_REQUIRE(slow.write_next());
    }
    loop.run(1s);
    BOOST_TEST(the_world().effects.empty());
    write_all();
    BOOST_TEST((the_world().effects == names{"pay"}));
}

BOOST_AUTO_TEST_CASE(cancellation_is_acted_on_when_it_is_durable)
{
    begin_job();
    executor->cancel(cancel_reason::user);
    loop.run(5s);
    BOOST_TEST(state() == "cancelling");
    BOOST_TEST(!job_was_cancelled());
    write_all();
    loop.run(100ms);
    BOOST_TEST(job_was_cancelled());
    for (int i = 0; i < 10 && !ended; ++i) {
        write_all();
        loop.run(1s);
    }
    BOOST_TEST(state() == "cancelled");
}

BOOST_AUTO_TEST_CASE(journal_that_cannot_be_written_does_not_keep_an_attempt_from_being_stopped)
{
    begin_job();
    executor->cancel(cancel_reason::user);
    loop.run(9s);
    BOOST_TEST(!job_was_cancelled());
    loop.run(2s);
    BOOST_TEST(job_was_cancelled());
}

BOOST_AUTO_TEST_CASE(engine_that_stops_lets_go_although_a_cancellation_waits_for_the_journal)
{
    begin_job();
    executor->cancel(cancel_reason::user);
    loop.run(1s);
    executor->detach();
    loop.run(1min);
    BOOST_TEST(ended);
    BOOST_TEST(!job_was_cancelled());
    write_all();
    BOOST_TEST(count(journal::record_kind::cancel_requested) == 1u);
    BOOST_TEST(loop.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(cancellation_asked_for_just_before_the_engine_stops_is_recorded)
{
    begin_job();
    executor->cancel(cancel_reason::user);
    executor->detach();
    loop.run(1s);
    BOOST_TEST(ended);
    write_all();
    BOOST_TEST(count(journal::record_kind::cancel_requested) == 1u);
}

BOOST_AUTO_TEST_CASE(hundred_thousand_attempts_that_wait_for_the_journal_are_cancelled)
{
    begin("tasks:\n  a: {operator: work, foreach: \"${{ range(100000) }}\"}\n");
    loop.run_present();
    executor->cancel(cancel_reason::user);
    while (!ended) {
        loop.run_present();
        BOOST_TEST_REQUIRE((slow.write_next() || ended));
        loop.run_present();
    }
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(count(journal::record_kind::attempt_started) == 0u);
    BOOST_TEST(count(journal::record_kind::attempt_ended) == 0u);
    BOOST_TEST(the_script().started.empty());
}

BOOST_AUTO_TEST_CASE(callback_token_is_made_of_the_numbers_that_nobody_can_guess)
{
    int asked = 0;
    const std::string token = runtime::make_callback_token(run_id("r"), [&] { return std::uint64_t(asked++); });
    BOOST_TEST(token == "r.aaaaaaaaaaaabaaaaaaaaaaaca");
    BOOST_TEST(asked == 3);
}

BOOST_AUTO_TEST_SUITE_END()
