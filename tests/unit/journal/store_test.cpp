/// What every store must do, asked of each of them.

#include "random_record.hpp"
#include "samples.hpp"
#include "stores_under_test.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

bool is_not_found(const store_error& e)
{
    return e.kind() == store_error_kind::not_found;
}

std::vector<std::string> ids_of(const std::vector<run_row>& rows)
{
    std::vector<std::string> result;
    for (const auto& row : rows)
        result.push_back(row.id.value());
    return result;
}

batch three_runs()
{
    batch b;
    b.runs.push_back(sample_run(run_number(1), "aaa1"));
    b.runs.push_back(sample_run(run_number(2), "aab2"));
    auto other = std::make_shared<dag_document>(*sample_dag());
    other->name = "hourly";
    b.runs.push_back(sample_run(run_number(3), "bbb3", other));
    b.records = {of_run(record_kind::run_started, run_number(1), 10),
                 of_run(record_kind::run_started, run_number(2), 20),
                 of_run(record_kind::run_ended, run_number(1), 30, recorded_state::failed)};
    return b;
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_conformance)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_store_is_empty_and_counts_runs_from_one, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_TEST(s.runs({}).empty());
    BOOST_TEST(s.next_run().value() == 1U);
    BOOST_TEST(!s.maintain());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(records_of_every_kind_come_back_as_they_were, Under, stores)
{
    Under under;
    auto& s = under.open();
    std::vector<record> written;
    for (const auto& k : record_kinds) {
        auto r = of_item(k.kind, 2, 7, 4, 100);
        r.state = recorded_state::timed_out;
        r.step = 9;
        r.number = -1;
        r.branch = "1.0";
        r.name = "copy";
        r.data = R"({"ok":true})";
        written.push_back(r);
        written.push_back(of_run(k.kind, run_number(1), 101));
    }
    s.append(run_with(written));
    BOOST_TEST((records_of(under.reopen(), run_number(1)) == written));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(random_records_come_back_as_they_were, Under, stores)
{
    const auto holds = rc::check([] {
        Under under;
        auto& s = under.open();
        const auto written = *rc::gen::container<std::vector<record>>(any_record());
        s.append(run_with(written));
        RC_ASSERT(records_of(under.reopen(), run_number(1)) == written);
    });
    BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(records_keep_their_order_and_do_not_mix_between_runs, Under, stores)
{
    Under under;
    auto& s = under.open();
    batch b;
    b.runs.push_back(sample_run(run_number(1), "aaa1"));
    b.runs.push_back(sample_run(run_number(2), "bbb2"));
    for (std::int64_t i = 0; i < 5'000; ++i) {
        b.records.push_back(of_run(record_kind::attempt_started, run_number(i % 7 == 0 ? 2 : 1), i));
        if (b.records.size() == 300) {
            s.append(b);
            b.clear();
        }
    }
    s.append(b);
    std::vector<record> all;
    std::uint64_t previous = 0;
    auto& reopened = under.reopen();
    for (const auto run : {run_number(1), run_number(2)}) {
        previous = 0;
        reopened.records(run, record_seq(0), [&](record_seq seq, const record& r) {
            BOOST_REQUIRE(seq.value() > previous);
            BOOST_REQUIRE(r.run == run);
            previous = seq.value();
            all.push_back(r);
            return true;
        });
    }
    BOOST_TEST(all.size() == 5'000U);
    BOOST_TEST(std::ranges::is_sorted(all, {}, [](const record& r) { return std::pair(r.run, r.at); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reading_goes_on_from_a_record_and_ends_when_told, Under, stores)
{
    Under under;
    auto& s = under.open();
    std::vector<record> written;
    for (std::int64_t i = 0; i < 3'000; ++i)
        written.push_back(of_run(record_kind::attempt_started, run_number(1), i));
    s.append(run_with(written));
    record_seq middle;
    s.records(run_number(1), record_seq(0), [&](record_seq seq, const record& r) {
        middle = seq;
        return r.at < instant(1'500);
    });
    const auto rest = records_of(s, run_number(1), middle);
    BOOST_TEST(rest.size() == 1'500U);
    BOOST_TEST((rest.front() == written[1'500]));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_that_is_not_there_is_said_so, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_CHECK_EXCEPTION(records_of(s, run_number(1)), store_error, is_not_found);
    BOOST_CHECK_EXCEPTION(logs_of(s, {.run = run_number(0)}), store_error, is_not_found);
    BOOST_CHECK_EXCEPTION((void)s.dag_of(run_number(5)), store_error, is_not_found);
    BOOST_CHECK_EXCEPTION((void)s.tasks(run_number(5)), store_error, is_not_found);
    BOOST_CHECK_EXCEPTION(s.claim(run_number(5), "x"), store_error, is_not_found);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(runs_are_listed_newest_first_and_filtered, Under, stores)
{
    Under under;
    under.open().append(three_runs());
    auto& s = under.reopen();
    using ids = std::vector<std::string>;
    BOOST_TEST((ids_of(s.runs({})) == ids{"bbb3", "aab2", "aaa1"}));
    BOOST_TEST((ids_of(s.runs({.unfinished = true})) == ids{"bbb3", "aab2"}));
    BOOST_TEST((ids_of(s.runs({.id_prefix = "aa"})) == ids{"aab2", "aaa1"}));
    BOOST_TEST((ids_of(s.runs({.dag_name = "hourly"})) == ids{"bbb3"}));
    BOOST_TEST((ids_of(s.runs({.limit = 2})) == ids{"bbb3", "aab2"}));
    BOOST_TEST((ids_of(s.runs({.before = run_number(3), .limit = 1})) == ids{"aab2"}));
    BOOST_TEST((ids_of(s.runs({.id_prefix = "%"})) == ids{}));
    BOOST_TEST(s.next_run().value() == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_row_of_a_run_follows_its_records, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(three_runs());
    const auto now = [&] { return s.runs({.id_prefix = "aaa1"}).front(); };
    BOOST_TEST((now().state == recorded_state::failed));
    BOOST_TEST((now().created == instant(0) && now().started == instant(10) && now().ended == instant(30)));
    BOOST_TEST(now().params == R"({"cohort":"a"})");
    BOOST_TEST((s.runs({.id_prefix = "bbb3"}).front().state == recorded_state::queued));
    batch again;
    again.records = {of_run(record_kind::run_started, run_number(1), 50)};
    s.append(again);
    BOOST_TEST((now().state == recorded_state::running && now().started == instant(10) && !now().ended));
    again.records = {of_run(record_kind::paused, run_number(1), 60)};
    s.append(again);
    BOOST_TEST((now().state == recorded_state::paused));
    again.records = {of_run(record_kind::resumed, run_number(1), 70),
                     of_run(record_kind::run_ended, run_number(1), 80, recorded_state::success)};
    s.append(again);
    BOOST_TEST((now().state == recorded_state::success && now().ended == instant(80)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claiming_a_run_changes_its_owner_and_raises_its_epoch, Under, stores)
{
    Under under;
    under.open().append(three_runs());
    auto& s = under.reopen();
    BOOST_TEST(s.claim(run_number(2), "engine-2") == 4U);
    BOOST_TEST(s.claim(run_number(2), "engine-3") == 5U);
    const auto row = s.runs({.id_prefix = "aab2"}).front();
    BOOST_TEST(row.owner == "engine-3");
    BOOST_TEST(row.epoch == 5U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_dag_of_a_run_is_kept_whole, Under, stores)
{
    Under under;
    under.open().append(three_runs());
    auto& s = under.reopen();
    const auto dag = s.dag_of(run_number(2));
    BOOST_TEST(dag.name == "nightly");
    BOOST_TEST(dag.source_name == "nightly.yaml");
    BOOST_TEST(dag.source == "tasks: {}\n");
    BOOST_TEST(dag.hash == 0xfedcba9876543210U);
    BOOST_TEST((dag.tasks == std::vector<std::string>{"list", "align", "merge"}));
    BOOST_TEST(s.dag_of(run_number(3)).name == "hourly");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(logs_come_back_by_attempt_with_any_bytes, Under, stores)
{
    Under under;
    auto& s = under.open();
    const std::string bytes("\0\xff\xfe broken utf-8 \n", 17);
    auto b = run_with({});
    const auto chunk = [](std::uint32_t task, std::uint32_t item, std::uint32_t attempt, log_stream stream,
                          std::string text) {
        return log_chunk{run_number(1), task_index(task), item_index(item), attempt_number(attempt),
                         stream,        instant(5),       std::move(text)};
    };
    b.logs = {chunk(0, 0, 1, log_stream::out, "first\n"), chunk(1, 0, 1, log_stream::err, bytes),
              chunk(1, 1, 1, log_stream::out, "item one"), chunk(1, 1, 2, log_stream::engine, "again")};
    s.append(b);
    auto& r = under.reopen();
    BOOST_TEST((logs_of(r, {.run = run_number(1)}) == b.logs));
    BOOST_TEST((logs_of(r, {.run = run_number(1), .task = task_index(1)}) ==
                std::vector<log_chunk>(b.logs.begin() + 1, b.logs.end())));
    BOOST_TEST((logs_of(r, {.run = run_number(1), .task = task_index(1), .item = item_index(1)}) ==
                std::vector<log_chunk>(b.logs.begin() + 2, b.logs.end())));
    BOOST_TEST(
        (logs_of(r,
                 {.run = run_number(1), .task = task_index(1), .item = item_index(1), .attempt = attempt_number(2)}) ==
         std::vector<log_chunk>{b.logs.back()}));
    std::uint64_t second = 0;
    r.logs({.run = run_number(1)}, [&](std::uint64_t position, const log_chunk& c) {
        second = position;
        return c.task == task_index(0);
    });
    BOOST_TEST(logs_of(r, {.run = run_number(1), .after = second}).size() == 2U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(folding_an_ended_run_changes_nothing_that_is_seen, Under, stores)
{
    Under under;
    auto& s = under.open();
    auto evaluated = of_run(record_kind::task_evaluated, run_number(1), 1);
    evaluated.task = task_index(1);
    evaluated.number = 3;
    auto skipped = of_run(record_kind::task_ended, run_number(1), 9, recorded_state::skipped);
    skipped.task = task_index(2);
    s.append(run_with(
        {of_run(record_kind::run_started, run_number(1), 0), evaluated,
         ended(0, 0, 1, recorded_state::success, 3, "[1,2,3]"), ended(1, 0, 1, recorded_state::success, 4),
         ended(1, 1, 2, recorded_state::failed, 5, R"({"message":"no"})"), ended(1, 2, 1, recorded_state::cancelled, 6),
         skipped, of_run(record_kind::run_ended, run_number(1), 10, recorded_state::failed)}));
    const auto before = s.tasks(run_number(1));
    while (s.maintain()) {}
    auto& reopened = under.reopen();
    BOOST_TEST((reopened.tasks(run_number(1)) == before));
    BOOST_REQUIRE(before.size() == 3U);
    BOOST_TEST(before[0].output == "[1,2,3]");
    BOOST_TEST((before[0].started == instant(-2)));
    BOOST_TEST((before[1].state == recorded_state::failed && before[1].items == 3 && before[1].attempts == 4));
    BOOST_TEST(before[1].error == R"({"message":"no"})");
    BOOST_TEST((before[1].ended == instant(6)));
    BOOST_TEST((before[2].state == recorded_state::skipped && before[2].ended == instant(9)));
    BOOST_TEST(records_of(reopened, run_number(1)).size() == 8U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_folded_run_that_goes_on_is_folded_again, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(run_with({ended(0, 0, 1, recorded_state::failed, 3, R"("no")"),
                       of_run(record_kind::run_ended, run_number(1), 10, recorded_state::failed)}));
    while (s.maintain()) {}
    batch again;
    again.records = {of_run(record_kind::run_started, run_number(1), 20),
                     ended(0, 0, 2, recorded_state::success, 30, "7")};
    s.append(again);
    BOOST_TEST((s.tasks(run_number(1))[0].state == recorded_state::success));
    again.records = {of_run(record_kind::run_ended, run_number(1), 40, recorded_state::success)};
    s.append(again);
    while (s.maintain()) {}
    const auto rows = under.reopen().tasks(run_number(1));
    BOOST_TEST((rows[0].state == recorded_state::success && rows[0].output == "7" && rows[0].attempts == 2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_job_is_unconfirmed_until_it_is_confirmed, Under, stores)
{
    Under under;
    auto& s = under.open();
    const auto about = [](record_kind kind, std::uint32_t item, std::string token, std::string why = {}) {
        auto r = of_item(kind, 1, item, 2, 50);
        r.name = std::move(token);
        r.data = std::move(why);
        return r;
    };
    auto b = three_runs();
    b.records.push_back(about(record_kind::remote_unconfirmed, 3, "tok-b", R"("no answer")"));
    b.records.push_back(about(record_kind::remote_unconfirmed, 3, "tok-a"));
    b.records.push_back(about(record_kind::remote_unconfirmed, 0, "tok-c"));
    b.records.push_back(about(record_kind::remote_unconfirmed, 0, "tok-c", R"("again")"));
    auto elsewhere = about(record_kind::remote_unconfirmed, 0, "tok-d");
    elsewhere.run = run_number(2);
    b.records.push_back(elsewhere);
    s.append(b);
    const auto job = [](std::uint32_t run, std::uint32_t item, std::string token, std::string why) {
        return unconfirmed_remote{run_number(run),   task_index(1),    item_index(item),
                                  attempt_number(2), std::move(token), std::move(why)};
    };
    auto& t = under.reopen();
    BOOST_TEST((t.unconfirmed(run_number(1)) == std::vector{job(1, 0, "tok-c", R"("again")"), job(1, 3, "tok-a", ""),
                                                            job(1, 3, "tok-b", R"("no answer")")}));
    BOOST_TEST(t.unconfirmed(std::nullopt).size() == 4U);
    BOOST_TEST(t.unconfirmed(run_number(3)).empty());
    BOOST_CHECK_EXCEPTION((void)t.unconfirmed(run_number(9)), store_error, is_not_found);
    // Of runs 1 and 2 only the first has ended.
    BOOST_TEST((ids_of(t.runs({.unreconciled = true})) == std::vector<std::string>{"aaa1"}));

    batch confirmed;
    confirmed.records = {about(record_kind::remote_confirmed, 0, "tok-c"),
                         about(record_kind::remote_confirmed, 3, "tok-b")};
    t.append(confirmed);
    BOOST_TEST((t.unconfirmed(run_number(1)) == std::vector{job(1, 3, "tok-a", "")}));
    confirmed.records = {about(record_kind::remote_confirmed, 3, "")};
    t.append(confirmed);
    BOOST_TEST(t.unconfirmed(run_number(1)).empty());
    BOOST_TEST(t.runs({.unreconciled = true}).empty());
    BOOST_TEST((t.unconfirmed(std::nullopt) == std::vector{job(2, 0, "tok-d", "")}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_origin_of_a_run_is_kept_and_picks_it, Under, stores)
{
    Under under;
    auto b = three_runs();
    b.runs[0].origin = R"({"by":"api","key":"k'1"})";
    b.runs[1].origin = R"({"by":"schedule"})";
    under.open().append(b);
    auto& s = under.reopen();
    using ids = std::vector<std::string>;
    BOOST_TEST(s.runs({.id_prefix = "aaa1"}).front().origin == b.runs[0].origin);
    BOOST_TEST(s.runs({.id_prefix = "bbb3"}).front().origin.empty());
    BOOST_TEST((ids_of(s.runs({.origin_by = "api"})) == ids{"aaa1"}));
    BOOST_TEST((ids_of(s.runs({.origin_by = "schedule"})) == ids{"aab2"}));
    BOOST_TEST((ids_of(s.runs({.origin_key = "k'1"})) == ids{"aaa1"}));
    BOOST_TEST(s.runs({.origin_by = "schedule", .origin_key = "k'1"}).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(runs_are_picked_by_state_and_time, Under, stores)
{
    Under under;
    auto b = three_runs();
    b.runs[1].created = instant(100);
    b.runs[2].created = instant(200);
    under.open().append(b);
    auto& s = under.reopen();
    using ids = std::vector<std::string>;
    BOOST_TEST((ids_of(s.runs({.state = recorded_state::running})) == ids{"aab2"}));
    BOOST_TEST((ids_of(s.runs({.state = recorded_state::queued})) == ids{"bbb3"}));
    BOOST_TEST((ids_of(s.runs({.created_after = instant(100)})) == ids{"bbb3", "aab2"}));
    BOOST_TEST((ids_of(s.runs({.created_before = instant(100)})) == ids{"aaa1"}));
    BOOST_TEST((ids_of(s.runs({.created_after = instant(50), .created_before = instant(200)})) == ids{"aab2"}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(records_of_all_runs_are_read_in_order_from_a_place_on, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_TEST(s.last_seq().value() == 0U);
    s.append(three_runs());
    auto& r = under.reopen();
    const auto since = [&r](record_seq after, std::size_t limit) {
        std::vector<std::pair<record_seq, record>> result;
        r.records_since(after, limit, [&](record_seq seq, const record& value) {
            result.emplace_back(seq, value);
            return true;
        });
        return result;
    };
    const auto all = since(record_seq(0), 0);
    BOOST_REQUIRE(all.size() == 3U);
    for (std::size_t i = 0; i < all.size(); ++i)
        BOOST_TEST((all[i].second == three_runs().records[i]));
    BOOST_TEST((all[2].first == r.last_seq()));
    BOOST_TEST((since(all[0].first, 1) == std::vector{all[1]}));
    BOOST_TEST(since(all[2].first, 0).empty());
    BOOST_TEST(since(record_seq(std::numeric_limits<std::uint64_t>::max()), 0).empty());
    int seen = 0;
    r.records_since(record_seq(0), 0, [&](record_seq, const record&) { return ++seen < 2; });
    BOOST_TEST(seen == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(records_of_removed_runs_are_left_out_and_it_can_be_known, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(three_runs());
    BOOST_TEST(s.removed_up_to().value() == 0U);
    const auto last = s.last_seq();
    s.prune({.keep_runs = 0}, instant(99), 1);
    std::vector<run_number> seen;
    s.records_since(record_seq(0), 0, [&](record_seq, const record& r) {
        seen.push_back(r.run);
        return true;
    });
    BOOST_TEST((seen == std::vector{run_number(2)}));
    BOOST_TEST((s.removed_up_to() == last && s.last_seq() == last));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_run_is_removed_on_request_if_it_has_ended, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(three_runs());
    const auto remove = [&s](std::uint32_t run) {
        pruned all;
        do
            all += s.prune({.only = run_number(run), .keep_runs = 9}, instant(99), 1);
        while (all.more);
        return all.runs;
    };
    BOOST_TEST(remove(2) == 0U);
    BOOST_TEST(remove(1) == 1U);
    BOOST_TEST(remove(1) == 0U);
    BOOST_TEST((ids_of(under.reopen().runs({})) == std::vector<std::string>{"bbb3", "aab2"}));
}

BOOST_AUTO_TEST_SUITE_END()
