/// Which runs are removed, and that nothing else is.

#include "engine/journal/writer.hpp"

#include "samples.hpp"
#include "stores_under_test.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const dag_document> dag_named(const std::string& name)
{
    auto dag = std::make_shared<dag_document>(*sample_dag());
    dag->name = name;
    return dag;
}

/// A run that ended at that time, or has not when it is negative.
void add_run(batch& b, std::uint32_t number, const std::shared_ptr<const dag_document>& dag, std::int64_t end,
             int records = 3)
{
    const run_number run(number);
    b.runs.push_back(sample_run(run, "run" + std::to_string(number), dag));
    b.records.push_back(of_run(record_kind::run_started, run));
    for (int i = 0; i < records; ++i) {
        auto r = ended(0, 0, 1, recorded_state::success, i, R"({"n":1})");
        r.run = run;
        b.records.push_back(r);
    }
    b.logs.push_back({run, task_index(0), item_index(0), attempt_number(1), log_stream::out, instant(1), "said"});
    if (end >= 0)
        b.records.push_back(of_run(record_kind::run_ended, run, end, recorded_state::success));
}

/// Nightly: 1, 2, 4, 5 ended at 100, 200, 400, 500; 6 goes on. Hourly: 3 ended at 300.
batch six_runs()
{
    const auto nightly = dag_named("nightly");
    batch b;
    add_run(b, 1, nightly, 100);
    add_run(b, 2, nightly, 200);
    add_run(b, 3, dag_named("hourly"), 300);
    add_run(b, 4, nightly, 400);
    add_run(b, 5, nightly, 500);
    add_run(b, 6, nightly, -1);
    return b;
}

std::vector<std::uint32_t> numbers(const std::vector<run_row>& rows)
{
    std::vector<std::uint32_t> result;
    for (const auto& row : rows)
        result.push_back(row.number.value());
    return result;
}

using runs = std::vector<std::uint32_t>;

pruned prune_all(store& s, const retention& keep, wall_time now, std::size_t at_most = 1'000)
{
    pruned all;
    do
        all += s.prune(keep, now, at_most);
    while (all.more);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(retention_rules)

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_rule_all_are_kept, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    BOOST_TEST(s.prunable({}, instant(1'000'000'000)).empty());
    BOOST_TEST(prune_all(s, {}, instant(1'000'000'000)).runs == 0U);
    BOOST_TEST(s.runs({}).size() == 6U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_newest_of_each_dag_are_kept, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    BOOST_TEST((numbers(s.prunable({.keep_runs = 1}, instant(600))) == runs{1, 2, 4}));
    BOOST_TEST((numbers(s.prunable({.keep_runs = 3}, instant(600))) == runs{1}));
    BOOST_TEST((numbers(s.prunable({.keep_runs = 0}, instant(600))) == runs{1, 2, 3, 4, 5}));
    BOOST_TEST(s.prunable({.keep_runs = 4}, instant(600)).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(those_that_ended_lately_are_kept, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    BOOST_TEST((numbers(s.prunable({.keep_for = 200ms}, instant(600))) == runs{1, 2, 3}));
    BOOST_TEST((numbers(s.prunable({.keep_for = 0ms}, instant(600))) == runs{1, 2, 3, 4, 5}));
    BOOST_TEST(s.prunable({.keep_for = 24h}, instant(600)).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(either_rule_keeps_a_run, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    BOOST_TEST((numbers(s.prunable({.keep_runs = 1, .keep_for = 350ms}, instant(600))) == runs{1, 2}));
    BOOST_TEST((numbers(s.prunable({.keep_runs = 3, .keep_for = 0ms}, instant(600))) == runs{1}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rules_can_be_for_one_dag, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    BOOST_TEST((numbers(s.prunable({.keep_runs = 0, .dag_name = "hourly"}, instant(600))) == runs{3}));
    BOOST_TEST(s.prunable({.keep_runs = 0, .dag_name = "none"}, instant(600)).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_with_an_unconfirmed_job_is_kept_until_it_is_confirmed, Under, stores)
{
    Under under;
    auto& s = under.open();
    auto b = six_runs();
    auto job = of_item(record_kind::remote_unconfirmed, 0, 0, 1, 50);
    job.name = "token";
    b.records.push_back(job);
    s.append(b);
    BOOST_TEST((numbers(s.prunable({.keep_runs = 1}, instant(600))) == runs{2, 4}));
    prune_all(s, {.keep_runs = 1}, instant(600));
    BOOST_TEST((numbers(s.runs({})) == runs{6, 5, 3, 1}));
    batch confirmed;
    job.kind = record_kind::remote_confirmed;
    confirmed.records = {job};
    s.append(confirmed);
    BOOST_TEST(prune_all(s, {.keep_runs = 1}, instant(600)).runs == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_removed_is_gone_and_the_rest_is_as_it_was, Under, stores)
{
    Under under;
    auto& s = under.open();
    s.append(six_runs());
    while (s.maintain()) {}
    const auto kept_before = records_of(s, run_number(4));
    const auto tasks_before = s.tasks(run_number(4));
    const auto done = prune_all(s, {.keep_for = 200ms}, instant(600));
    BOOST_TEST(done.runs == 3U);
    BOOST_TEST(done.records == 15U);
    BOOST_TEST(done.logs == 3U);
    BOOST_TEST(done.dags == 1U);
    auto& t = under.reopen();
    BOOST_TEST((numbers(t.runs({})) == runs{6, 5, 4}));
    const auto is_not_found = [](const store_error& e) { return e.kind() == store_error_kind::not_found; };
    for (const run_number gone : {run_number(1), run_number(2), run_number(3)}) {
        BOOST_CHECK_EXCEPTION(records_of(t, gone), store_error, is_not_found);
        BOOST_CHECK_EXCEPTION((void)t.tasks(gone), store_error, is_not_found);
        BOOST_CHECK_EXCEPTION((void)t.dag_of(gone), store_error, is_not_found);
        BOOST_CHECK_EXCEPTION(logs_of(t, {.run = gone}), store_error, is_not_found);
        BOOST_CHECK_EXCEPTION((void)t.claim(gone, "x"), store_error, is_not_found);
    }
    BOOST_TEST((records_of(t, run_number(4)) == kept_before));
    BOOST_TEST((t.tasks(run_number(4)) == tasks_before));
    BOOST_TEST(logs_of(t, {.run = run_number(4)}).size() == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(numbers_of_removed_runs_and_records_are_not_used_again, Under, stores)
{
    Under under;
    auto& s = under.open();
    batch b;
    add_run(b, 1, sample_dag(), 100);
    add_run(b, 2, sample_dag(), 200);
    s.append(b);
    record_seq last{0};
    s.records(run_number(2), record_seq(0), [&](record_seq seq, const record&) {
        last = seq;
        return true;
    });
    prune_all(s, {.keep_runs = 0}, instant(600));
    auto& t = under.reopen();
    BOOST_TEST(t.runs({}).empty());
    BOOST_TEST(t.next_run().value() == 3U);
    b.clear();
    add_run(b, 3, sample_dag(), 300);
    t.append(b);
    t.records(run_number(3), record_seq(0), [&](record_seq seq, const record&) {
        BOOST_TEST((seq > last));
        return false;
    });
    BOOST_TEST(under.reopen().next_run().value() == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_piece_is_bounded_and_the_next_goes_on, Under, stores)
{
    Under under;
    auto& s = under.open();
    batch b;
    for (std::uint32_t i = 1; i <= 40; ++i)
        add_run(b, i, sample_dag(), i, 500);
    s.append(b);
    while (s.maintain()) {}
    pruned all;
    std::size_t pieces = 0;
    do {
        const auto piece = s.prune({.keep_runs = 10}, instant(600), 1'000);
        BOOST_TEST(piece.records <= 2'048U);
        all += piece;
        BOOST_REQUIRE(++pieces < 1'000U);
    } while (all.more);
    BOOST_TEST(pieces >= 10U);
    BOOST_TEST(all.runs == 30U);
    BOOST_TEST(all.records == 30U * 502U);
    BOOST_TEST(s.runs({}).size() == 10U);
    for (std::uint32_t i = 31; i <= 40; ++i)
        BOOST_TEST(records_of(s, run_number(i)).size() == 502U);
}

BOOST_AUTO_TEST_CASE(an_engine_that_died_while_it_removed_is_followed_up)
{
    sqlite_under_test under;
    auto& s = under.open();
    batch b;
    add_run(b, 1, sample_dag(), 1, 20'000);
    add_run(b, 2, sample_dag(), 2, 10);
    s.append(b);
    BOOST_TEST(s.prune({.keep_runs = 1}, instant(600), 100).more);
    auto& t = under.reopen();
    BOOST_TEST((numbers(t.runs({})) == runs{2}));
    BOOST_TEST(ask(under.dir_.layout(), "SELECT count(*) FROM journal WHERE run = 1") > 10'000);
    const auto rest = prune_all(t, {}, instant(600));
    BOOST_TEST(rest.runs == 0U);
    BOOST_TEST(rest.records > 10'000U);
    for (const auto* table : {"journal", "journal_extent", "log_chunk", "task_snapshot", "run_being_removed"})
        BOOST_TEST(ask(under.dir_.layout(), "SELECT count(*) FROM " + std::string(table) + " WHERE run = 1") == 0,
                   table);
}

BOOST_AUTO_TEST_CASE(a_place_in_the_journal_that_cannot_be_is_damage)
{
    const scratch_dir dir;
    open_sqlite_store(dir.layout())->append(six_runs());
    tamper(dir.layout(), "UPDATE journal_extent SET extent = 9223372036854775807 WHERE run = 1");
    const auto store = open_sqlite_store(dir.layout());
    BOOST_CHECK_EXCEPTION((void)store->prune(retention{.keep_runs = 0}, instant(1'000), 1'000), store_error,
                          says(store_error_kind::corrupt, "extent"));
}

BOOST_AUTO_TEST_CASE(a_run_that_goes_on_after_it_was_chosen_is_not_removed)
{
    sqlite_under_test under;
    auto& s = under.open();
    batch b;
    for (std::uint32_t i = 1; i <= 300; ++i)
        add_run(b, i, sample_dag(), i, 1);
    s.append(b);
    BOOST_TEST(s.prune({.keep_runs = 0}, instant(600), 1).more);
    BOOST_REQUIRE(s.runs({.id_prefix = "run300"}).size() == 1U);
    b.clear();
    b.records = {of_run(record_kind::run_started, run_number(300), 400)};
    s.append(b);
    prune_all(s, {.keep_runs = 0}, instant(600));
    BOOST_TEST((numbers(s.runs({})) == runs{300}));
    BOOST_TEST(records_of(s, run_number(300)).size() == 4U);
}

BOOST_AUTO_TEST_CASE(space_is_given_back)
{
    sqlite_under_test under;
    auto& s = under.open();
    batch b;
    add_run(b, 1, sample_dag(std::vector<std::string>(3'000, "a_task_with_a_long_name")), 1, 50'000);
    add_run(b, 2, sample_dag(), 2, 10);
    s.append(b);
    while (s.maintain()) {}
    under.reopen();
    const auto file = under.dir_.layout().database();
    const auto before = std::filesystem::file_size(file);
    prune_all(*under.store_, {.keep_runs = 1}, instant(600), 8'192);
    under.reopen();
    BOOST_TEST(std::filesystem::file_size(file) < before / 10);
    under.store_.reset();
    BOOST_TEST(ask(under.dir_.layout(), "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") ==
               0);
    BOOST_TEST(records_of(under.open(), run_number(2)).size() == 12U);
}

BOOST_AUTO_TEST_CASE(the_writer_removes_between_batches_and_says_when_it_is_done)
{
    sqlite_under_test under;
    auto& s = under.open();
    batch b;
    for (std::uint32_t i = 1; i <= 20; ++i)
        add_run(b, i, sample_dag(), i, 2'000);
    s.append(b);
    std::promise<prune_result> done;
    {
        writer w(s, {}, writer_mode::threaded, {.prune_records = 500});
        w.prune({.keep_runs = 5}, instant(600), [&](const prune_result& r) { done.set_value(r); });
        for (std::int64_t i = 0; i < 1'000; ++i) {
            auto r = ended(0, 0, 2, recorded_state::success, i);
            r.run = run_number(20);
            w.append(r);
        }
        w.flush();
        const auto result = done.get_future().get();
        BOOST_TEST(!result.error);
        BOOST_TEST(result.removed.runs == 15U);
        BOOST_TEST(!result.removed.more);
    }
    BOOST_TEST(records_of(under.reopen(), run_number(20)).size() == 3'002U);
}

BOOST_AUTO_TEST_SUITE_END()
