#include "golden.hpp"

#include "engine/cli/display/summary.hpp"

using namespace potoo;
using namespace potoo::cli;
using schedule::task_state;

namespace {

run_report failed_report()
{
    run_report r;
    r.id = run_id("k3v9abcdefgh");
    r.dag_name = "demo";
    r.state = schedule::run_state::failed;
    r.elapsed = duration(75'000);
    r.tasks[task_state::success] = 2;
    r.tasks[task_state::failed] = 2;
    r.items[task_state::success] = 900;
    r.items[task_state::failed] = 5;
    r.failures = {{"align", task_state::failed, 904, 4, "exit code 3"}, {"merge", task_state::timed_out, 1, 1, ""}};
    r.failures_left_out = 3;
    return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(summaries)

BOOST_AUTO_TEST_CASE(failures_are_named_with_where_to_read_more)
{
    test::check_golden("summary_failed.txt",
                       summary_text(failed_report(), {"potoo logs k3v9abcdefgh", "potoo resume k3v9"}));
}

BOOST_AUTO_TEST_CASE(stopped_run_tells_what_stays_and_how_to_resume)
{
    run_report r = failed_report();
    r.state = schedule::run_state::running;
    r.detached = true;
    r.failures.clear();
    r.failures_left_out = 0;
    r.items[task_state::deferred] = 12;
    test::check_golden("summary_detached.txt",
                       summary_text(r, {"potoo logs k3v9abcdefgh", "potoo resume k3v9abcdefgh"}));
}

BOOST_AUTO_TEST_CASE(every_end_is_said_in_words)
{
    run_report r = failed_report();
    r.state = schedule::run_state::success;
    BOOST_TEST(summary_text(r, {}).starts_with("demo: run k3v9abcdefgh succeeded after 1:15;"));
    r.state = schedule::run_state::timed_out;
    BOOST_TEST(summary_text(r, {}).starts_with("demo: run k3v9abcdefgh timed out after 1:15;"));
    r.state = schedule::run_state::cancelled;
    BOOST_TEST(summary_text(r, {}).starts_with("demo: run k3v9abcdefgh was cancelled after 1:15;"));
}

BOOST_AUTO_TEST_CASE(run_without_a_journal_cannot_be_resumed)
{
    run_report r = failed_report();
    r.detached = true;
    BOOST_TEST(summary_text(r, {}).find("cannot be resumed") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
