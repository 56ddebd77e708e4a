#include "engine/host/local_host.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "tests/unit/host/engine_at.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <potoo/task.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using potoo::host::test::engine_at;
using potoo::host::test::scratch_state;

namespace {

/// What a coroutine of the engine came to, for those that give nothing back.
task<bool> put(runtime::ledger& l, std::string key, json::value value)
{
    co_await l.put("pool", std::move(key), std::move(value));
    co_return true;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(ledger_of_an_engine, scratch_state)

BOOST_AUTO_TEST_CASE(what_it_was_told_is_there_for_the_next_engine)
{
    {
        engine_at e(*this);
        BOOST_TEST(e.finish(e.engine().ledger().insert("token", "a", json::value("first"))));
        BOOST_TEST(e.finish(put(e.engine().ledger(), "gpu", json::value(4))));
        BOOST_TEST((e.engine().ledger().find("pool", "gpu") == json::value(4)));
    }
    engine_at next(*this);
    BOOST_TEST(!next.finish(next.engine().ledger().insert("token", "a", json::value("second"))));
    BOOST_TEST((next.engine().ledger().find("token", "a") == json::value("first")));
}

BOOST_AUTO_TEST_CASE(whoever_asks_is_called_when_more_is_durable)
{
    engine_at e(*this);
    int calls = 0;
    e.engine().when_durable([&calls] { ++calls; });
    BOOST_TEST(e.finish(put(e.engine().ledger(), "gpu", json::value(4))));
    e.run_until([&] { return calls > 0; });
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
