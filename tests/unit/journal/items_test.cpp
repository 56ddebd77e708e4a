/// The items of a task and the attempts of an item, page by page.

#include "random_record.hpp"
#include "samples.hpp"
#include "stores_under_test.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <array>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

record evaluated(std::uint32_t task, std::int64_t items)
{
    auto r = of_run(record_kind::task_evaluated, run_number(1), 1);
    r.task = task_index(task);
    r.number = items;
    return r;
}

record task_ended(std::uint32_t task, recorded_state state, std::int64_t at)
{
    auto r = of_run(record_kind::task_ended, run_number(1), at, state);
    r.task = task_index(task);
    return r;
}

record started(std::uint32_t task, std::uint32_t item, std::uint32_t attempt, std::int64_t at, std::string key = {})
{
    auto r = of_item(record_kind::attempt_started, task, item, attempt, at);
    r.name = std::move(key);
    return r;
}

/// Task 1 has six items: 0 succeeded, 1 failed, 2 runs, 3 timed out, 4 and 5 have not started.
std::vector<record> six_items()
{
    return {evaluated(1, 6),
            started(1, 0, 1, 10, "zero"),
            ended(1, 0, 1, recorded_state::success, 20, "7"),
            started(1, 1, 1, 11),
            ended(1, 1, 1, recorded_state::failed, 21, R"("first")"),
            started(1, 1, 2, 31),
            ended(1, 1, 2, recorded_state::failed, 41, R"("second")"),
            started(1, 2, 1, 12),
            started(1, 3, 1, 13),
            ended(1, 3, 1, recorded_state::timed_out, 43),
            started(2, 0, 1, 50)};
}

std::string indexes(const std::vector<item_row>& rows)
{
    std::string out;
    for (const auto& row : rows)
        out += (out.empty() ? "" : " ") + std::to_string(row.item.value());
    return out;
}

std::vector<item_row> page_by_page(reader& r, item_filter filter, std::size_t size)
{
    std::vector<item_row> all;
    filter.limit = size;
    for (;;) {
        const auto page = r.items(run_number(1), filter);
        all.insert(all.end(), page.begin(), page.end());
        if (page.size() < size)
            return all;
        filter.after = page.back().place();
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(items)

BOOST_AUTO_TEST_CASE_TEMPLATE(those_that_failed_come_first_and_the_others_by_index, Under, stores)
{
    Under under;
    under.open().append(run_with(six_items()));
    auto& s = under.reopen();
    const auto rows = s.items(run_number(1), {.task = task_index(1)});
    BOOST_TEST(indexes(rows) == "1 3 0 2 4 5");
    BOOST_TEST((rows[0].state == recorded_state::failed && rows[0].attempts == 2));
    BOOST_TEST(rows[0].error == R"("second")");
    BOOST_TEST((rows[0].started == instant(11) && rows[0].ended == instant(41)));
    BOOST_TEST((rows[1].state == recorded_state::timed_out && rows[1].error.empty()));
    BOOST_TEST((rows[2].key == "zero" && rows[2].output == "7" && rows[2].error.empty()));
    BOOST_TEST((rows[3].state == recorded_state::running && !rows[3].ended));
    BOOST_TEST((rows[4].state == recorded_state::pending && rows[4].attempts == 0 && !rows[4].started));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pages_of_any_size_make_the_whole_list, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(run_with(six_items()));
    const auto whole = s.items(run_number(1), {.task = task_index(1)});
    for (std::size_t size = 1; size <= 7; ++size)
        BOOST_TEST((page_by_page(s, {.task = task_index(1)}, size) == whole), size);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(items_in_one_state_are_picked, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(run_with(six_items()));
    const auto in = [&](recorded_state state) {
        return indexes(page_by_page(s, {.task = task_index(1), .state = state}, 1));
    };
    BOOST_TEST(in(recorded_state::failed) == "1");
    BOOST_TEST(in(recorded_state::pending) == "4 5");
    BOOST_TEST(in(recorded_state::running) == "2");
    BOOST_TEST(in(recorded_state::cancelled).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(items_that_a_task_leaves_behind_end_with_it, Under, stores)
{
    Under under;
    auto& s = under.open();
    auto records = six_items();
    records.push_back(task_ended(1, recorded_state::cancelled, 60));
    s.append(run_with(records));
    const auto rows = s.items(run_number(1), {.task = task_index(1), .state = recorded_state::cancelled});
    BOOST_TEST(indexes(rows) == "2 4 5");
    BOOST_TEST((rows[2].ended == instant(60)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_task_that_has_not_begun_has_its_one_item, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(run_with({}));
    const auto rows = s.items(run_number(1), {.task = task_index(0)});
    BOOST_REQUIRE(rows.size() == 1U);
    BOOST_TEST((rows[0].state == recorded_state::pending));
    BOOST_CHECK_THROW((void)s.items(run_number(2), {.task = task_index(0)}), store_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_page_shows_what_was_added_since_the_one_before, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(run_with(six_items()));
    BOOST_TEST(indexes(s.items(run_number(1), {.task = task_index(1), .limit = 1})) == "1");
    batch more;
    more.records = {ended(1, 2, 1, recorded_state::failed, 70), started(1, 1, 3, 80)};
    s.append(more);
    BOOST_TEST(indexes(s.items(run_number(1), {.task = task_index(1)})) == "2 3 0 1 4 5");
    BOOST_TEST(indexes(s.items(run_number(1), {.task = task_index(2)})) == "0");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(counts_of_a_task_are_those_of_its_items, Under, stores)
{
    const auto holds = rc::check([] {
        Under under;
        auto& s = under.open();
        std::vector<record> records{evaluated(0, 3), evaluated(1, 3), evaluated(2, 3)};
        const auto others = *rc::gen::container<std::vector<record>>(plausible_record());
        records.insert(records.end(), others.begin(), others.end());
        s.append(run_with(records));
        for (const auto& task : s.tasks(run_number(1))) {
            const auto rows = s.items(run_number(1), {.task = task.task});
            RC_ASSERT(rows.size() == task.items);
            std::uint32_t attempts = 0;
            std::array<std::uint32_t, recorded_state_count> counts{};
            for (const auto& row : rows) {
                attempts += row.attempts;
                ++counts[static_cast<std::size_t>(row.state)];
            }
            RC_ASSERT(counts == task.counts);
            RC_ASSERT(attempts == task.attempts);
        }
    });
    BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(both_stores_say_the_same)
{
    const auto holds = rc::check([] {
        memory_under_test memory;
        sqlite_under_test sqlite;
        auto records = *rc::gen::container<std::vector<record>>(any_record());
        for (auto& r : records)
            if (r.kind == record_kind::task_evaluated)
                r.number &= 15;
        memory.open().append(run_with(records));
        sqlite.open().append(run_with(records));
        for (const std::uint32_t t : {0U, 1U, 2U}) {
            const item_filter all{.task = task_index(t)};
            RC_ASSERT(memory.store_.items(run_number(1), all) == sqlite.store_->items(run_number(1), all));
            for (const std::uint32_t i : {0U, 1U})
                RC_ASSERT(memory.store_.attempts(run_number(1), task_index(t), item_index(i)) ==
                          sqlite.store_->attempts(run_number(1), task_index(t), item_index(i)));
        }
    });
    BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(a_text_that_was_changed_is_not_shown)
{
    sqlite_under_test under;
    under.open().append(run_with(six_items()));
    under.store_.reset();
    tamper(under.dir_.layout(), "UPDATE journal SET data = '8' WHERE data = '7'");
    const auto r = open_sqlite_reader(under.dir_.layout());
    BOOST_CHECK_THROW((void)r->items(run_number(1), {.task = task_index(1)}), store_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(attempts_of_an_item_are_told_with_their_jobs, Under, stores)
{
    Under under;
    auto& s = under.open();
    const auto about = [](record_kind kind, std::uint32_t attempt, std::int64_t at, std::string name,
                          std::string data = {}) {
        auto r = of_item(kind, 1, 4, attempt, at);
        r.name = std::move(name);
        r.data = std::move(data);
        return r;
    };
    auto retry = of_item(record_kind::retry_scheduled, 1, 4, 1, 40);
    retry.number = instant(90).time_since_epoch().count();
    s.append(run_with({started(1, 4, 1, 10), about(record_kind::launch_intent, 1, 11, "tok-1"),
                       about(record_kind::launch_recorded, 1, 12, "tok-1", R"("job-1")"),
                       of_item(record_kind::attempt_deferred, 1, 4, 1, 13),
                       ended(1, 4, 1, recorded_state::failed, 40, R"("no")"), retry, started(1, 3, 1, 50),
                       started(1, 4, 2, 90), about(record_kind::launch_intent, 2, 91, "tok-2"),
                       of_item(record_kind::attempt_deferred, 1, 4, 2, 92)}));
    auto& r = under.reopen();
    const auto rows = r.attempts(run_number(1), task_index(1), item_index(4));
    BOOST_REQUIRE(rows.size() == 2U);
    BOOST_TEST((rows[0].state == recorded_state::failed && rows[0].error == R"("no")" && rows[0].retry == instant(90)));
    BOOST_TEST((rows[0].started == instant(10) && rows[0].ended == instant(40) && !rows[0].deferred));
    BOOST_TEST((rows[0].jobs == std::vector<launched_job>{{"tok-1", R"("job-1")"}}));
    BOOST_TEST((rows[1].state == recorded_state::deferred && rows[1].deferred == instant(92) && !rows[1].ended));
    BOOST_TEST((rows[1].jobs == std::vector<launched_job>{{"tok-2", ""}}));
    BOOST_TEST(r.attempts(run_number(1), task_index(2), item_index(0)).empty());
}

BOOST_AUTO_TEST_SUITE_END()
