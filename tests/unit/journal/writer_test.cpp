#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/journal/writer.hpp"

#include "samples.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

/// A memory store whose appends can be held up or made to fail.
class scripted_store final : public store
{
  public:
    std::vector<run_row> runs(const run_filter& filter) override { return kept_.runs(filter); }

    dag_document dag_of(run_number run) override { return kept_.dag_of(run); }

    void records(run_number run, record_seq from, const record_visitor& visit) override
    {
        kept_.records(run, from, visit);
    }

    void records_since(record_seq after, std::size_t limit, const record_visitor& visit) override
    {
        kept_.records_since(after, limit, visit);
    }

    record_seq last_seq() override { return kept_.last_seq(); }

    record_seq removed_up_to() override { return kept_.removed_up_to(); }

    void logs(const log_filter& filter, const log_visitor& visit) override { kept_.logs(filter, visit); }

    std::vector<task_row> tasks(run_number run) override { return kept_.tasks(run); }

    std::vector<item_row> items(run_number run, const item_filter& filter) override { return kept_.items(run, filter); }

    std::vector<attempt_row> attempts(run_number run, task_index task, item_index item) override
    {
        return kept_.attempts(run, task, item);
    }

    std::optional<std::string> entry(const std::string& kind, const std::string& key) override
    {
        return kept_.entry(kind, key);
    }

    std::vector<entry_row> entries(const std::string& kind, const std::string& after, std::size_t limit) override
    {
        return kept_.entries(kind, after, limit);
    }

    std::vector<unconfirmed_remote> unconfirmed(std::optional<run_number> run) override
    {
        return kept_.unconfirmed(run);
    }

    std::vector<run_row> prunable(const retention& keep, wall_time now) override { return kept_.prunable(keep, now); }

    run_number next_run() const override { return kept_.next_run(); }

    append_result append(const batch& b) override
    {
        std::unique_lock lock(mutex_);
        ++tries_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        if (failing_)
            throw store_error(*failing_, "refused");
        sizes_.push_back(b.size());
        trace_ += 'a';
        return kept_.append(b);
    }

    std::uint64_t claim(run_number run, const std::string& owner) override { return kept_.claim(run, owner); }

    bool maintain() override { return chores_.load() > 0 && chores_.fetch_sub(1) > 0; }

    /// One run a piece.
    pruned prune(const retention& keep, wall_time now, std::size_t at_most) override
    {
        const std::lock_guard guard(mutex_);
        if (failing_)
            throw store_error(*failing_, "refused");
        trace_ += 'p';
        return kept_.prune(keep, now, std::min<std::size_t>(at_most, 1));
    }

    void hold(bool held)
    {
        change([&] { held_ = held; });
    }

    void fail_with(std::optional<store_error_kind> kind)
    {
        change([&] { failing_ = kind; });
    }

    void wait_for_try(int n)
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return tries_ >= n; });
    }

    std::vector<std::size_t> sizes()
    {
        const std::lock_guard guard(mutex_);
        return sizes_;
    }

    /// What was done: `a` for an append, `p` for a piece of pruning.
    std::string trace()
    {
        const std::lock_guard guard(mutex_);
        return trace_;
    }

    std::atomic<int> chores_{0};

  private:
    void change(const std::function<void()>& how)
    {
        {
            const std::lock_guard guard(mutex_);
            how();
        }
        changed_.notify_all();
    }

    memory_store kept_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
    std::optional<store_error_kind> failing_;
    int tries_ = 0;
    std::vector<std::size_t> sizes_;
    std::string trace_;
};

/// Runs 1 to n, all ended.
void add_ended_runs(store& s, std::uint32_t n)
{
    batch b;
    for (std::uint32_t i = 1; i <= n; ++i) {
        b.runs.push_back(sample_run(run_number(i), "run" + std::to_string(i)));
        b.records.push_back(of_run(record_kind::run_ended, run_number(i), i, recorded_state::success));
    }
    s.append(b);
}

record nth(std::int64_t i)
{
    return ended(0, 0, 1, recorded_state::success, i);
}

bool in_order(reader& r, std::size_t count)
{
    const auto records = records_of(r, run_number(1));
    if (records.size() != count + 1)
        return false;
    for (std::size_t i = 0; i < count; ++i)
        if (records[i + 1] != nth(static_cast<std::int64_t>(i)))
            return false;
    return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(journal_writer)

BOOST_AUTO_TEST_CASE(everything_appended_is_durable_after_flush_in_order)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    std::atomic<position> told{0};
    writer w(*store, {.durable = [&](position p) { told = p; }, .failed = {}, .recovered = {}});
    BOOST_TEST(w.create_run(sample_run({}, "kq3v9z01abcd")).value() == 1U);
    for (std::int64_t i = 0; i < 30'000; ++i)
        BOOST_REQUIRE(w.append(nth(i)) == static_cast<position>(i) + 2);
    w.flush();
    BOOST_TEST(w.durable() == w.last());
    BOOST_TEST(w.stop() == 0U);
    BOOST_TEST(told.load() == 30'001U);
    BOOST_TEST(in_order(*store, 30'000));
}

BOOST_AUTO_TEST_CASE(what_gathers_during_a_write_is_written_together)
{
    scripted_store store;
    store.hold(true);
    writer w(store, {}, writer_mode::threaded, {.batch_entries = 100});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    store.wait_for_try(1);
    for (std::int64_t i = 0; i < 250; ++i)
        w.append(nth(i));
    BOOST_TEST(w.durable() == 0U);
    store.hold(false);
    w.flush();
    BOOST_TEST((store.sizes() == std::vector<std::size_t>{2, 100, 100, 50}));
    BOOST_TEST(w.stop() == 0U);
    BOOST_TEST(in_order(store, 250));
}

BOOST_AUTO_TEST_CASE(a_failed_batch_is_kept_and_written_when_it_can_be)
{
    scripted_store store;
    std::atomic<int> failures{0};
    std::atomic<int> recoveries{0};
    writer w(store,
             {.durable = {}, .failed = [&](const store_error&) { ++failures; }, .recovered = [&] { ++recoveries; }});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    w.flush();
    store.fail_with(store_error_kind::full);
    w.append(nth(0));
    BOOST_CHECK_EXCEPTION(w.flush(), store_error,
                          [](const store_error& e) { return e.kind() == store_error_kind::full && e.passing(); });
    w.append(nth(1));
    BOOST_CHECK_THROW(w.flush(), store_error);
    BOOST_TEST(w.durable() == 1U);
    store.fail_with(std::nullopt);
    w.flush();
    BOOST_TEST(w.stop() == 0U);
    BOOST_TEST(failures.load() == 1);
    BOOST_TEST(recoveries.load() == 1);
    BOOST_TEST(in_order(store, 2));
}

BOOST_AUTO_TEST_CASE(a_failed_batch_is_tried_again_without_being_asked)
{
    scripted_store store;
    store.fail_with(store_error_kind::full);
    writer w(store, {}, writer_mode::threaded, {.retry_after = std::chrono::milliseconds(1)});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    store.wait_for_try(3);
    store.fail_with(std::nullopt);
    store.wait_for_try(4);
    BOOST_TEST(w.stop() == 0U);
    BOOST_TEST(in_order(store, 0));
}

BOOST_AUTO_TEST_CASE(stop_says_how_much_could_not_be_written)
{
    scripted_store store;
    store.fail_with(store_error_kind::io);
    writer w(store);
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    w.append(nth(0));
    BOOST_TEST(w.stop() == 2U);
    BOOST_TEST(w.stop() == 2U);
}

BOOST_AUTO_TEST_CASE(too_much_that_is_not_durable_is_over_the_limit)
{
    scripted_store store;
    store.hold(true);
    writer w(store, {}, writer_mode::threaded, {.pending_bytes = 10'000});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    BOOST_TEST(!w.over_limit());
    w.append_log({run_number(1),
                  task_index(0),
                  item_index(0),
                  attempt_number(1),
                  log_stream::out,
                  {},
                  std::string(10'000, 'x')});
    BOOST_TEST(w.over_limit());
    store.hold(false);
    w.flush();
    BOOST_TEST(!w.over_limit());
}

BOOST_AUTO_TEST_CASE(synchronous_writes_are_durable_at_once)
{
    memory_store store;
    std::vector<position> told;
    writer w(store, {.durable = [&](position p) { told.push_back(p); }, .failed = {}, .recovered = {}},
             writer_mode::synchronous);
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    w.append(nth(0));
    BOOST_TEST((told == std::vector<position>{1, 2}));
    w.flush();
    BOOST_TEST(in_order(store, 1));
    BOOST_TEST(w.stop() == 0U);
}

BOOST_AUTO_TEST_CASE(discarded_records_are_forgotten_and_count_as_durable)
{
    memory_store store;
    writer w(store, {}, writer_mode::discarding);
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    BOOST_TEST(w.append(nth(0)) == 2U);
    BOOST_TEST(w.durable() == w.last());
    BOOST_TEST(!w.over_limit());
    w.flush();
    BOOST_TEST(store.runs({}).empty());
    BOOST_TEST(w.stop() == 0U);
}

BOOST_AUTO_TEST_CASE(manual_writes_happen_only_when_told)
{
    scripted_store store;
    writer w(store, {}, writer_mode::manual, {.batch_entries = 3});
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    for (std::int64_t i = 0; i < 4; ++i)
        w.append(nth(i));
    BOOST_TEST(w.durable() == 0U);
    BOOST_TEST(w.write_next());
    BOOST_TEST(w.durable() == 2U);
    BOOST_TEST(w.write_next());
    BOOST_TEST(!w.write_next());
    store.fail_with(store_error_kind::full);
    w.append(nth(4));
    BOOST_TEST(!w.write_next());
    BOOST_CHECK_THROW(w.flush(), store_error);
    store.fail_with(std::nullopt);
    w.flush();
    BOOST_TEST(in_order(store, 5));
}

BOOST_AUTO_TEST_CASE(housekeeping_is_done_before_the_end)
{
    scripted_store store;
    store.chores_ = 3;
    writer w(store);
    BOOST_TEST(w.stop() == 0U);
    BOOST_TEST(store.chores_.load() == 0);
}

BOOST_AUTO_TEST_CASE(numbers_of_runs_go_on_from_those_in_the_store)
{
    memory_store store;
    store.append(run_with({}));
    writer w(store, {}, writer_mode::synchronous);
    BOOST_TEST(w.create_run(sample_run({}, "second000000")).value() == 2U);
    BOOST_TEST(w.create_run(sample_run({}, "third0000000")).value() == 3U);
    BOOST_TEST(store.runs({}).size() == 3U);
}

BOOST_AUTO_TEST_CASE(between_two_pieces_of_pruning_what_waits_is_written)
{
    scripted_store store;
    add_ended_runs(store, 4);
    store.hold(true);
    std::promise<prune_result> done;
    writer w(store, {}, writer_mode::threaded, {.batch_entries = 1});
    for (std::int64_t i = 0; i < 3; ++i) {
        auto r = nth(i);
        r.run = run_number(4);
        w.append(r);
    }
    store.wait_for_try(2);
    w.prune({.keep_runs = 1}, instant(100), [&](const prune_result& r) { done.set_value(r); });
    store.hold(false);
    w.flush();
    BOOST_TEST(done.get_future().get().removed.runs == 3U);
    BOOST_TEST(store.trace() == "aapapap");
    BOOST_TEST(w.stop() == 0U);
}

BOOST_AUTO_TEST_CASE(pruning_that_fails_says_why)
{
    scripted_store store;
    add_ended_runs(store, 2);
    std::promise<prune_result> done;
    writer w(store);
    store.fail_with(store_error_kind::full);
    w.prune({.keep_runs = 0}, instant(100), [&](const prune_result& r) { done.set_value(r); });
    const auto result = done.get_future().get();
    BOOST_REQUIRE(result.error.has_value());
    BOOST_TEST((result.error->kind() == store_error_kind::full && result.removed.more));
    store.fail_with(std::nullopt);
    BOOST_TEST(store.runs({}).size() == 2U);
}

BOOST_AUTO_TEST_CASE(pruning_that_was_not_finished_is_broken_off_by_stop)
{
    scripted_store store;
    add_ended_runs(store, 2);
    std::vector<prune_result> results;
    writer w(store, {}, writer_mode::manual);
    w.prune({.keep_runs = 0}, instant(100), [&](const prune_result& r) { results.push_back(r); });
    w.prune({.keep_runs = 0}, instant(100), [&](const prune_result& r) { results.push_back(r); });
    BOOST_TEST(w.write_next());
    BOOST_TEST(results.empty());
    BOOST_TEST(w.stop() == 0U);
    BOOST_REQUIRE(results.size() == 2U);
    BOOST_TEST((results[0].removed.runs == 1U && results[0].removed.more && !results[0].error));
    BOOST_TEST((results[1].removed.runs == 0U && results[1].removed.more));
}

BOOST_AUTO_TEST_CASE(pruning_in_synchronous_mode_is_done_at_once)
{
    memory_store store;
    add_ended_runs(store, 3);
    std::vector<std::size_t> removed;
    writer w(store, {}, writer_mode::synchronous);
    w.prune({.keep_runs = 1}, instant(100), [&](const prune_result& r) { removed.push_back(r.removed.runs); });
    BOOST_TEST((removed == std::vector<std::size_t>{2}));
}

BOOST_AUTO_TEST_CASE(whoever_changes_an_entry_is_told_what_came_of_it_before_it_is_called_durable)
{
    memory_store store;
    std::string told;
    writer w(store, {.durable = [&](position) { told += 'd'; }, .failed = {}, .recovered = {}}, writer_mode::manual);
    const auto note = [&](bool took_effect) { told += took_effect ? 'y' : 'n'; };
    w.append(entry_change{entry_verb::insert, "token", "a", "1"}, note);
    w.append(entry_change{entry_verb::insert, "token", "a", "2"}, note);
    w.append(entry_change{entry_verb::erase, "token", "b"}, note);
    w.append(entry_change{entry_verb::put, "token", "c", "3"}, {});
    BOOST_TEST(told.empty());
    BOOST_TEST(w.write_next());
    BOOST_TEST(told == "ynnd");
    BOOST_TEST(store.entry("token", "a").value() == "1");
    BOOST_TEST(w.durable() == 4U);
}

BOOST_AUTO_TEST_CASE(an_entry_that_could_not_be_written_is_told_of_once_it_could)
{
    scripted_store store;
    store.fail_with(store_error_kind::full);
    int told = 0;
    writer w(store, {}, writer_mode::manual);
    w.append(entry_change{entry_verb::insert, "pool", "a", "1"},
             [&](bool took_effect) { told += took_effect ? 1 : 9; });
    BOOST_TEST(!w.write_next());
    BOOST_TEST(told == 0);
    store.fail_with(std::nullopt);
    BOOST_TEST(w.write_next());
    BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(entries_are_kept_also_when_records_are_not)
{
    memory_store store;
    bool added = false;
    writer w(store, {}, writer_mode::discarding);
    w.create_run(sample_run({}, "kq3v9z01abcd"));
    w.append(entry_change{entry_verb::insert, "token", "a", "1"}, [&](bool took_effect) { added = took_effect; });
    BOOST_TEST(added);
    BOOST_TEST(w.durable() == w.last());
    BOOST_TEST(store.entry("token", "a").value() == "1");
    BOOST_TEST(store.runs({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
