/// Mutable facts under unique keys, in every store.

#include "engine/journal/writer.hpp"

#include "samples.hpp"
#include "stores_under_test.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

entry_change insert(std::string key, std::string value = "1", std::string kind = "token")
{
    return {entry_verb::insert, std::move(kind), std::move(key), std::move(value)};
}

entry_change put(std::string key, std::string value)
{
    return {entry_verb::put, "token", std::move(key), std::move(value)};
}

entry_change erase(std::string key)
{
    return {entry_verb::erase, "token", std::move(key)};
}

std::vector<bool> change(store& s, std::vector<entry_change> changes)
{
    batch b;
    b.changes = std::move(changes);
    return s.append(b).changes;
}

using taken = std::vector<bool>;

/// Each of several stores on one file adds entries with the same keys. @return for each key, how many got it
std::vector<int> race(const state_layout& layout, std::size_t stores, std::size_t keys)
{
    std::vector<std::unique_ptr<store>> all;
    for (std::size_t i = 0; i < stores; ++i)
        all.push_back(open_sqlite_store(layout));
    std::vector<std::atomic<int>> winners(keys);
    std::barrier begin(static_cast<std::ptrdiff_t>(stores));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < stores; ++i)
        threads.emplace_back([&, i] {
            for (std::size_t key = 0; key < keys; ++key) {
                begin.arrive_and_wait();
                if (change(*all[i], {insert(std::to_string(key), std::to_string(i))}).front())
                    ++winners[key];
            }
        });
    for (auto& t : threads)
        t.join();
    return {winners.begin(), winners.end()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(entries)

BOOST_AUTO_TEST_CASE_TEMPLATE(first_insert_of_a_key_wins_and_the_others_change_nothing, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_TEST((change(s, {insert("a", "1"), insert("a", "2"), insert("b", "3")}) == taken{true, false, true}));
    BOOST_TEST((change(s, {insert("a", "4")}) == taken{false}));
    auto& r = under.reopen();
    BOOST_TEST(r.entry("token", "a").value() == "1");
    BOOST_TEST(r.entry("token", "b").value() == "3");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(keys_of_different_kinds_do_not_meet, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_TEST((change(s, {insert("a"), insert("a", "2", "pool")}) == taken{true, true}));
    BOOST_TEST(s.entry("pool", "a").value() == "2");
    BOOST_TEST(!s.entry("audit", "a"));
    BOOST_TEST(s.entries("token", "", 0).size() == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(put_replaces_and_erase_makes_room, Under, stores)
{
    Under under;
    auto& s = under.open();
    BOOST_TEST((change(s, {put("a", "1"), put("a", "2"), erase("b")}) == taken{true, true, false}));
    BOOST_TEST(s.entry("token", "a").value() == "2");
    BOOST_TEST((change(s, {erase("a"), insert("a", "3"), erase("a"), erase("a")}) == taken{true, true, true, false}));
    BOOST_TEST(!under.reopen().entry("token", "a"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(entries_are_listed_by_key_and_paged, Under, stores)
{
    Under under;
    const std::string high = "\xc3\xa9";
    change(under.open(), {put("b", "2"), put(high, "4"), put("a", "1"), put("c", "3"), insert("z", "5", "pool")});
    auto& s = under.reopen();
    using rows = std::vector<entry_row>;
    BOOST_TEST((s.entries("token", "", 0) == rows{{"a", "1"}, {"b", "2"}, {"c", "3"}, {high, "4"}}));
    BOOST_TEST((s.entries("token", "a", 2) == rows{{"b", "2"}, {"c", "3"}}));
    BOOST_TEST(s.entries("token", high, 0).empty());
    BOOST_TEST(s.entries("none", "", 0).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(entries_become_durable_with_the_records_of_their_batch, Under, stores)
{
    Under under;
    auto& s = under.open();
    auto b = run_with({of_run(record_kind::run_started, run_number(1))});
    b.changes = {insert("a"), insert("a")};
    BOOST_TEST((s.append(b).changes == taken{true, false}));
    auto& r = under.reopen();
    BOOST_TEST(records_of(r, run_number(1)).size() == 1U);
    BOOST_TEST(r.entry("token", "a").value() == "1");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(entries_outlive_the_removal_of_runs, Under, stores)
{
    Under under;
    auto& s = under.open();
    auto b = run_with({of_run(record_kind::run_ended, run_number(1), 1, recorded_state::success)});
    b.changes = {insert("a")};
    s.append(b);
    while (s.prune({.keep_runs = 0}, instant(9), 100).more) {}
    BOOST_TEST(s.runs({}).empty());
    BOOST_TEST(under.reopen().entry("token", "a").has_value());
}

BOOST_AUTO_TEST_CASE(a_batch_that_fails_leaves_no_entry)
{
    sqlite_under_test under;
    auto& s = under.open();
    batch b;
    b.runs = {sample_run(run_number(1), "same"), sample_run(run_number(2), "same")};
    b.changes = {insert("a")};
    BOOST_CHECK_THROW(s.append(b), store_error);
    BOOST_TEST(!s.entry("token", "a"));
    BOOST_TEST((change(s, {insert("a")}) == taken{true}));
}

BOOST_AUTO_TEST_CASE(an_entry_that_was_changed_by_another_program_is_refused)
{
    sqlite_under_test under;
    change(under.open(), {insert("a", R"({"role":"user"})"), insert("b")});
    under.store_.reset();
    tamper(under.dir_.layout(), R"(UPDATE entry SET value = '{"role":"admin"}' WHERE key = 'a')");
    const auto r = open_sqlite_reader(under.dir_.layout());
    const auto refused = says(store_error_kind::corrupt, "entry 'a' of kind 'token' is not as it was written");
    BOOST_CHECK_EXCEPTION((void)r->entry("token", "a"), store_error, refused);
    BOOST_CHECK_EXCEPTION((void)r->entries("token", "", 0), store_error, refused);
    BOOST_TEST(r->entry("token", "b").value() == "1");
}

BOOST_AUTO_TEST_CASE(of_several_stores_on_one_file_one_gets_a_key)
{
    const scratch_dir dir;
    const auto winners = race(dir.layout(), 4, 200);
    BOOST_TEST((winners == std::vector<int>(200, 1)));
    BOOST_TEST(open_sqlite_reader(dir.layout())->entries("token", "", 0).size() == 200U);
}

BOOST_AUTO_TEST_CASE(of_many_who_ask_one_writer_for_a_key_one_gets_it)
{
    const scratch_dir dir;
    const auto store = open_sqlite_store(dir.layout());
    std::vector<int> winners(100, 0);
    {
        writer w(*store, {}, writer_mode::threaded, {.batch_entries = 7});
        for (int asker = 0; asker < 20; ++asker)
            for (std::size_t key = 0; key < winners.size(); ++key)
                w.append(insert(std::to_string(key)), [&winners, key](bool took) { winners[key] += took ? 1 : 0; });
        w.flush();
    }
    BOOST_TEST((winners == std::vector<int>(100, 1)));
}

BOOST_AUTO_TEST_SUITE_END()
