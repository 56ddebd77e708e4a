#include "engine/journal/task_fold.hpp"

#include "samples.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

std::uint32_t count(const task_row& row, recorded_state s)
{
    return row.counts[static_cast<std::size_t>(s)];
}

record evaluated(std::int64_t items)
{
    auto r = of_run(record_kind::task_evaluated, run_number(1));
    r.task = task_index(0);
    r.number = items;
    return r;
}

record task_ended(recorded_state state, std::int64_t at, std::string data = {})
{
    auto r = of_run(record_kind::task_ended, run_number(1), at, state);
    r.task = task_index(0);
    r.data = std::move(data);
    return r;
}

task_row folded(const std::vector<record>& records)
{
    task_fold fold;
    for (const auto& r : records)
        fold.apply(r);
    const std::vector<std::string> names{"only"};
    return fold.rows(names).at(0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(fold)

BOOST_AUTO_TEST_CASE(a_task_without_records_is_pending)
{
    const auto row = folded({});
    BOOST_TEST((row.state == recorded_state::pending && row.items == 1 && row.name == "only"));
    BOOST_TEST(count(row, recorded_state::pending) == 1U);
}

BOOST_AUTO_TEST_CASE(an_attempt_moves_its_task)
{
    using enum record_kind;
    std::vector<record> records;
    const auto after = [&](record_kind kind) {
        records.push_back(of_item(kind, 0, 0, 1, static_cast<std::int64_t>(records.size())));
        return folded(records).state;
    };
    BOOST_TEST((after(attempt_started) == recorded_state::running));
    BOOST_TEST((after(attempt_deferred) == recorded_state::deferred));
    BOOST_TEST((after(attempt_resumed) == recorded_state::running));
    BOOST_TEST((after(launch_intent) == recorded_state::running));
    BOOST_TEST((after(retry_scheduled) == recorded_state::retrying));
    BOOST_TEST((after(attempt_interrupted) == recorded_state::retrying));
    BOOST_TEST((after(cancel_requested) == recorded_state::cancelling));
}

BOOST_AUTO_TEST_CASE(a_fan_out_runs_until_its_last_item_ended)
{
    std::vector<record> records{evaluated(3), ended(0, 0, 1, recorded_state::success, 4),
                                ended(0, 2, 1, recorded_state::success, 5)};
    BOOST_TEST((folded(records).state == recorded_state::running));
    BOOST_TEST(count(folded(records), recorded_state::pending) == 1U);
    records.push_back(ended(0, 1, 1, recorded_state::success, 6));
    BOOST_TEST((folded(records).state == recorded_state::success));
    BOOST_TEST((folded(records).ended == instant(6)));
    BOOST_TEST(folded(records).output.empty());
}

BOOST_AUTO_TEST_CASE(a_fan_out_over_nothing_ends_when_it_is_said)
{
    BOOST_TEST((folded({evaluated(0)}).state == recorded_state::queued));
    const auto row = folded({evaluated(0), task_ended(recorded_state::success, 3, "[]")});
    BOOST_TEST((row.state == recorded_state::success && row.items == 0));
    BOOST_TEST(count(row, recorded_state::success) == 0U);
}

BOOST_AUTO_TEST_CASE(items_that_never_started_share_the_end_of_their_task)
{
    const auto row = folded({evaluated(5), ended(0, 0, 1, recorded_state::success, 4),
                             task_ended(recorded_state::cancelled, 8, R"("asked")")});
    BOOST_TEST((row.state == recorded_state::cancelled && row.ended == instant(8)));
    BOOST_TEST(count(row, recorded_state::success) == 1U);
    BOOST_TEST(count(row, recorded_state::cancelled) == 4U);
    BOOST_TEST(row.error == R"("asked")");
}

BOOST_AUTO_TEST_CASE(items_that_wait_for_a_retry_are_cancelled_when_their_task_ends)
{
    std::vector<record> records{
        evaluated(2), ended(0, 0, 1, recorded_state::failed, 4), of_item(record_kind::retry_scheduled, 0, 0, 2, 5),
        of_item(record_kind::attempt_deferred, 0, 1, 1, 6), task_ended(recorded_state::cancelled, 8)};
    const auto row = folded(records);
    BOOST_TEST((row.state == recorded_state::cancelled));
    BOOST_TEST(count(row, recorded_state::cancelled) == 2U);
    BOOST_TEST(count(row, recorded_state::retrying) == 0U);
    records.push_back(of_item(record_kind::attempt_started, 0, 0, 2, 9));
    BOOST_TEST(count(folded(records), recorded_state::running) == 1U);
    BOOST_TEST(count(folded(records), recorded_state::deferred) == 1U);
}

BOOST_AUTO_TEST_CASE(a_retry_takes_back_the_end_of_its_task)
{
    const auto row = folded({ended(0, 0, 1, recorded_state::failed, 4, R"("no")"),
                             task_ended(recorded_state::failed, 5), of_item(record_kind::attempt_started, 0, 0, 2, 6)});
    BOOST_TEST((row.state == recorded_state::running && !row.ended && row.attempts == 2));
    BOOST_TEST(row.error == R"("no")");
}

BOOST_AUTO_TEST_CASE(an_error_that_was_overcome_is_not_shown)
{
    const auto row =
        folded({ended(0, 0, 1, recorded_state::failed, 4, R"("no")"), ended(0, 0, 2, recorded_state::success, 9, "1")});
    BOOST_TEST(row.error.empty());
    BOOST_TEST(row.output == "1");
}

BOOST_AUTO_TEST_SUITE_END()
