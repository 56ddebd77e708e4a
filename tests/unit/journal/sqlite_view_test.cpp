/// The views that a human reads with sqlite3, against what the engine reads.

#include "engine/journal/sqlite_store.hpp"

#include "random_record.hpp"
#include "samples.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>
#include <sqlite3.h>

#include <optional>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

using row_text = std::vector<std::optional<std::string>>;

/// What sqlite3 would print.
std::vector<row_text> ask(const state_layout& layout, const std::string& sql)
{
    sqlite3* db = nullptr;
    BOOST_REQUIRE(sqlite3_open_v2(layout.database().c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
    std::vector<row_text> rows;
    const auto collect = [](void* to, int columns, char** values, char**) {
        row_text row;
        for (int i = 0; i < columns; ++i)
            row.push_back(values[i] == nullptr ? std::nullopt : std::optional<std::string>(values[i]));
        static_cast<std::vector<row_text>*>(to)->push_back(std::move(row));
        return 0;
    };
    char* error = nullptr;
    const int code = sqlite3_exec(db, sql.c_str(), collect, &rows, &error);
    const std::string message = error == nullptr ? "" : error;
    sqlite3_free(error);
    sqlite3_close(db);
    BOOST_REQUIRE_MESSAGE(code == SQLITE_OK, sql << ": " << message);
    return rows;
}

std::optional<std::string> text_or_null(const std::string& s)
{
    return s.empty() ? std::nullopt : std::optional(s);
}

std::optional<std::string> ms(const std::optional<wall_time>& t)
{
    return t ? std::optional(std::to_string(t->time_since_epoch().count())) : std::nullopt;
}

/// A row as the query below gives it.
row_text as_text(const task_row& row)
{
    row_text result{std::string(to_string(row.state)), std::to_string(row.items)};
    using enum recorded_state;
    for (const auto s : {pending, running, deferred, retrying, cancelling, success, failed, timed_out, cancelled,
                         skipped, upstream_failed})
        result.emplace_back(std::to_string(row.counts[static_cast<std::size_t>(s)]));
    result.insert(result.end(), {std::to_string(row.attempts), ms(row.started), ms(row.ended), text_or_null(row.output),
                                 text_or_null(row.error)});
    return result;
}

const std::string task_query =
    "SELECT state, items, pending, running, deferred, retrying, cancelling, success, failed, timed_out, cancelled, "
    "skipped, upstream_failed, attempts, CAST(round((julianday(started) - 2440587.5) * 86400000) AS INTEGER), "
    "CAST(round((julianday(ended) - 2440587.5) * 86400000) AS INTEGER), output, error FROM task_status ORDER BY number";

} // namespace

BOOST_AUTO_TEST_SUITE(sqlite_views)

BOOST_AUTO_TEST_CASE(task_status_says_what_the_engine_says_before_and_after_folding)
{
    const auto holds = rc::check([] {
        const scratch_dir dir;
        const auto store = open_sqlite_store(dir.layout());
        auto b = run_with(*rc::gen::container<std::vector<record>>(plausible_record()));
        b.records.push_back(of_run(record_kind::run_ended, run_number(1), 0, recorded_state::failed));
        store->append(b);
        std::vector<row_text> expected;
        for (const auto& row : store->tasks(run_number(1)))
            expected.push_back(as_text(row));
        RC_ASSERT(ask(dir.layout(), task_query) == expected);
        RC_ASSERT(store->maintain());
        RC_ASSERT(ask(dir.layout(), task_query) == expected);
    });
    BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(views_show_names_and_times_instead_of_numbers)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    auto b =
        run_with({of_run(record_kind::run_started, run_number(1), 1), ended(1, 4, 2, recorded_state::failed, 1'234)});
    b.logs.push_back(
        {run_number(1), task_index(1), item_index(4), attempt_number(2), log_stream::err, instant(0), "oh"});
    store->append(b);
    const auto journal = ask(dir.layout(), "SELECT id, kind, state, task, item, attempt, at FROM journal_readable");
    BOOST_TEST((journal.at(1) ==
                row_text{"kq3v9z01abcd", "attempt_ended", "failed", "align", "4", "2", "2026-11-21T08:00:01.234Z"}));
    const auto runs = ask(dir.layout(), "SELECT id, dag, state, created, ended FROM run_status");
    BOOST_TEST(
        (runs.at(0) == row_text{"kq3v9z01abcd", "nightly", "running", "2026-11-21T08:00:00.000Z", std::nullopt}));
    const auto items = ask(dir.layout(), "SELECT task, item, state, attempts, ended FROM item_status");
    BOOST_TEST((items.at(0) == row_text{"align", "4", "failed", "2", "2026-11-21T08:00:01.234Z"}));
    const auto logs = ask(dir.layout(), "SELECT id, task, item, attempt, stream, text FROM log");
    BOOST_TEST((logs.at(0) == row_text{"kq3v9z01abcd", "align", "4", "2", "stderr", "oh"}));
}

BOOST_AUTO_TEST_CASE(items_that_wait_for_a_retry_are_cancelled_when_their_task_ends)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    auto task_ended = of_run(record_kind::task_ended, run_number(1), 9, recorded_state::cancelled);
    task_ended.task = task_index(1);
    store->append(run_with({ended(1, 0, 1, recorded_state::success, 3), ended(1, 1, 1, recorded_state::failed, 4),
                            of_item(record_kind::retry_scheduled, 1, 1, 2, 5), std::move(task_ended)}));
    const std::string query = "SELECT item, state FROM item_status ORDER BY item";
    BOOST_TEST((ask(dir.layout(), query) == std::vector<row_text>{{"0", "success"}, {"1", "cancelled"}}));
    batch again;
    again.records.push_back(of_item(record_kind::attempt_started, 1, 1, 2, 10));
    store->append(again);
    BOOST_TEST((ask(dir.layout(), query) == std::vector<row_text>{{"0", "success"}, {"1", "running"}}));
}

BOOST_AUTO_TEST_CASE(the_file_names_every_kind_and_state)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    std::vector<row_text> kinds;
    for (const auto& k : record_kinds)
        kinds.push_back({std::to_string(static_cast<int>(k.kind)), std::string(k.name), k.awaited ? "1" : "0"});
    BOOST_TEST((ask(dir.layout(), "SELECT kind, name, awaited FROM kind_name ORDER BY kind") == kinds));
    BOOST_TEST(ask(dir.layout(), "SELECT * FROM state_name").size() == recorded_state_count - 1);
}

BOOST_AUTO_TEST_CASE(equal_dags_are_kept_once)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    batch b;
    for (std::uint32_t i = 1; i <= 3; ++i)
        b.runs.push_back(sample_run(run_number(i), "run" + std::to_string(i)));
    auto edited = std::make_shared<dag_document>(*sample_dag());
    edited->source += "# the same hash, by accident\n";
    b.runs.push_back(sample_run(run_number(4), "run4", edited));
    auto built = std::make_shared<dag_document>(*sample_dag());
    built->tasks.push_back("extra");
    b.runs.push_back(sample_run(run_number(5), "run5", built));
    store->append(b);
    BOOST_TEST(ask(dir.layout(), "SELECT * FROM dag").size() == 3U);
    BOOST_TEST(store->tasks(run_number(5)).size() == 4U);
    BOOST_TEST(store->dag_of(run_number(4)).source == edited->source);
}

BOOST_AUTO_TEST_SUITE_END()
