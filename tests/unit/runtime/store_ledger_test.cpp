#include "engine/journal/memory_store.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "engine/runtime/store_ledger.hpp"
#include "tests/unit/journal/samples.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace potoo;
using journal::samples::scratch_dir;

namespace {

/// A disk that does not heal.
class broken_journal final : public runtime::commit_log::listener
{
  public:
    explicit broken_journal(runtime::store_ledger& l) : ledger_(l) {}

    void durable(journal::position) override {}

    void write_failed(const journal::store_error& why) override { ledger_.fail(why); }

    void write_recovered() override {}

  private:
    runtime::store_ledger& ledger_;
};

struct memory_ledger : test::fixture
{
    explicit memory_ledger(journal::writer_mode mode = journal::writer_mode::synchronous) : log(loop, store, mode) {}

    journal::memory_store store;
    runtime::commit_log log;
    runtime::store_ledger ledger{log, store};
};

/// Everybody asks for every key at once. @return how many got each
std::vector<int> race(potoo::loop& l, boost::asio::io_context& context, runtime::ledger& ledger, std::size_t askers,
                      std::size_t keys)
{
    std::vector<std::unique_ptr<test::runner<bool>>> asking;
    for (std::size_t a = 0; a < askers; ++a)
        for (std::size_t k = 0; k < keys; ++k)
            asking.push_back(
                std::make_unique<test::runner<bool>>(l, ledger.insert("task_key", std::to_string(k), json::value(a))));
    const auto work = boost::asio::make_work_guard(context);
    for (const auto& one : asking)
        while (!one->ended())
            context.run_one();
    std::vector<int> winners(keys, 0);
    for (std::size_t i = 0; i < asking.size(); ++i)
        winners[i % keys] += asking[i]->take() ? 1 : 0;
    return winners;
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_ledger)

BOOST_AUTO_TEST_CASE(entries_are_found_listed_replaced_and_erased)
{
    memory_ledger t;
    const json::value first{{"role", "admin"}};
    BOOST_TEST(t.run(t.ledger.insert("token", "a", first)));
    BOOST_TEST(!t.run(t.ledger.insert("token", "a", json::value(2))));
    BOOST_TEST((t.ledger.find("token", "a") == first));
    t.run(t.ledger.put("token", "a", json::value(3)));
    t.run(t.ledger.put("token", "b", json::value(4)));
    const auto all = t.ledger.list("token", "", 0);
    BOOST_REQUIRE(all.size() == 2U);
    BOOST_TEST((all[0].first == "a" && all[0].second == json::value(3)));
    BOOST_TEST(t.ledger.list("token", "a", 1).front().first == "b");
    t.run(t.ledger.erase("token", "a"));
    t.run(t.ledger.erase("token", "a"));
    BOOST_TEST(!t.ledger.find("token", "a").has_value());
}

BOOST_AUTO_TEST_CASE(entry_as_deep_as_an_output_is_found_again)
{
    memory_ledger t;
    json::value deep = 1;
    for (std::size_t i = 0; i < runtime::max_output_depth; ++i)
        deep = json::array{deep};
    const json::value entry = json::object{{"output", deep}};
    t.run(t.ledger.put("task", "a", entry));
    BOOST_TEST((t.ledger.find("task", "a") == entry));
    BOOST_TEST(t.ledger.list("task", "", 0).size() == 1U);
}

BOOST_AUTO_TEST_CASE(nobody_is_told_before_the_entry_is_durable)
{
    memory_ledger t(journal::writer_mode::manual);
    test::runner<bool> asking(t.loop, t.ledger.insert("token", "a", json::value(1)));
    t.loop.run_present();
    BOOST_TEST(!asking.ended());
    BOOST_TEST(!t.ledger.find("token", "a").has_value());
    t.log.write_next();
    t.loop.run_present();
    BOOST_TEST(asking.take());
    BOOST_TEST(t.ledger.find("token", "a").has_value());
}

BOOST_AUTO_TEST_CASE(whoever_stops_waiting_leaves_the_ledger_whole)
{
    memory_ledger t(journal::writer_mode::manual);
    test::runner<bool> asking(t.loop, t.ledger.insert("token", "a", json::value(1)));
    t.loop.run_present();
    asking.cancel(cancel_reason::user);
    t.loop.run_present();
    BOOST_TEST((asking.ended_by() == cancel_reason::user));
    t.log.write_next();
    t.loop.run_present();
    BOOST_TEST(t.ledger.find("token", "a").has_value());
}

BOOST_AUTO_TEST_CASE(a_run_without_a_journal_still_has_a_ledger)
{
    memory_ledger t(journal::writer_mode::discarding);
    BOOST_TEST(t.run(t.ledger.insert("token", "a", json::value(1))));
    BOOST_TEST(!t.run(t.ledger.insert("token", "a", json::value(1))));
}

BOOST_AUTO_TEST_CASE(whoever_waits_for_a_journal_that_broke_is_told)
{
    memory_ledger t(journal::writer_mode::manual);
    broken_journal broken(t.ledger);
    test::runner<bool> asking(t.loop, t.ledger.insert("token", "a", json::value(1)));
    t.loop.run_present();
    broken.write_failed(journal::store_error(journal::store_error_kind::io, "the disk is gone"));
    t.loop.run_present();
    BOOST_REQUIRE(asking.ended());
    BOOST_CHECK_THROW(asking.take(), journal::store_error);
    BOOST_CHECK_THROW(t.run(t.ledger.put("token", "b", json::value(1))), journal::store_error);
}

BOOST_AUTO_TEST_CASE(of_many_who_ask_for_a_key_one_gets_it)
{
    boost::asio::io_context context{1};
    real_loop loop(context);
    const scratch_dir dir;
    const auto store = journal::open_sqlite_store(dir.layout());
    const auto reader = journal::open_sqlite_reader(dir.layout());
    runtime::commit_log log(loop, *store, journal::writer_mode::threaded);
    runtime::store_ledger ledger(log, *reader);
    BOOST_TEST((race(loop, context, ledger, 50, 40) == std::vector<int>(40, 1)));
    BOOST_TEST(ledger.list("task_key", "", 0).size() == 40U);
}

BOOST_AUTO_TEST_CASE(two_engines_on_one_file_share_the_keys)
{
    boost::asio::io_context context{1};
    real_loop loop(context);
    const scratch_dir dir;
    const auto store_a = journal::open_sqlite_store(dir.layout());
    const auto store_b = journal::open_sqlite_store(dir.layout());
    const auto reader = journal::open_sqlite_reader(dir.layout());
    runtime::commit_log log_a(loop, *store_a, journal::writer_mode::threaded);
    runtime::commit_log log_b(loop, *store_b, journal::writer_mode::threaded);
    runtime::store_ledger a(log_a, *reader);
    runtime::store_ledger b(log_b, *reader);
    std::vector<std::unique_ptr<test::runner<bool>>> asking;
    for (int k = 0; k < 300; ++k)
        for (runtime::ledger* l : {static_cast<runtime::ledger*>(&a), static_cast<runtime::ledger*>(&b)})
            asking.push_back(
                std::make_unique<test::runner<bool>>(loop, l->insert("task_key", std::to_string(k), json::value(k))));
    const auto work = boost::asio::make_work_guard(context);
    for (const auto& one : asking)
        while (!one->ended())
            context.run_one();
    for (std::size_t i = 0; i < asking.size(); i += 2)
        BOOST_TEST(asking[i]->take() != asking[i + 1]->take(), i);
}

BOOST_AUTO_TEST_SUITE_END()
