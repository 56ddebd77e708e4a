#include "engine/host/control_request.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "engine/loop/real_loop.hpp"
#include "engine/net/http_client_beast.hpp"
#include "engine/process/local_process_runner.hpp"
#include "tests/unit/host/counting_reader.hpp"
#include "tests/unit/host/engine_at.hpp"

#include <potoo/context.hpp>
#include <potoo/error.hpp>

#include <random>

using namespace potoo;
using namespace potoo::host;
using potoo::host::test::counting_reader;
using potoo::host::test::engine_at;
using potoo::host::test::eventual;
using potoo::host::test::scratch_state;
using kind = request_result::kind;

namespace {

task<json::value> fail_always(context&)
{
    throw failure("no", "scripted");
    co_return json::value();
}

POTOO_OPERATOR("long_reads_fails", fail_always, {.summary = "Fails."})

/// A state with one run that has failed, and an engine that carries nothing; what it reads on its loop is counted.
struct idle_engine : scratch_state
{
    idle_engine() : id(run_to_its_end())
    {
        store = journal::open_sqlite_store(layout());
        own = journal::open_sqlite_reader(layout());
        here.emplace(*own);
        engine.emplace(host_ports{loop, *store, *here, http, processes, entropy, journal::writer_mode::threaded,
                                  number_of_the_system, memory_of_the_process(),
                                  [l = layout()] { return journal::open_sqlite_reader(l); }});
    }

    ~idle_engine() { engine->close(); }

    std::string run_to_its_end()
    {
        engine_at e(*this);
        auto& r = e.begin("name: failing\ntasks: {a: {operator: long_reads_fails}}");
        return e.end_of(r).id.value();
    }

    request_result finish(task<request_result> t)
    {
        eventual<request_result> e;
        async_run(loop, "test", std::move(t),
                  [&e](const std::exception_ptr& error, std::optional<request_result> value) {
                      e.error = error;
                      e.value = std::move(value);
                      e.ended = true;
                  });
        const auto work = boost::asio::make_work_guard(context);
        context.restart();
        while (!e.ended)
            context.run_one();
        if (e.error)
            std::rethrow_exception(e.error);
        return std::move(*e.value);
    }

    std::string id;
    boost::asio::io_context context{1};
    real_loop loop{context};
    std::mt19937_64 entropy{1};
    net::beast_http_client http{loop, {}};
    process::local_process_runner processes{loop};
    std::unique_ptr<journal::store> store;
    std::unique_ptr<journal::reader> own;
    std::optional<counting_reader> here;
    std::optional<engine_host> engine;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(long_reads, idle_engine)

BOOST_AUTO_TEST_CASE(retry_of_an_ended_run_does_not_read_it_on_the_loop)
{
    BOOST_TEST((finish(engine->retry_on_request(id, {})).what == kind::accepted));
    BOOST_TEST(here->reads == 0);
}

BOOST_AUTO_TEST_CASE(pause_and_cancel_do_not_read_the_run_on_the_loop)
{
    BOOST_TEST((finish(engine->retry_on_request(id, {})).what == kind::accepted));
    BOOST_TEST((finish(engine->pause_on_request(id)).what == kind::accepted));
    BOOST_TEST((finish(engine->pause_on_request(id)).what == kind::repeated));
    BOOST_TEST((finish(engine->cancel_on_request(id, {})).what == kind::accepted));
    BOOST_TEST(here->reads == 0);
}

BOOST_AUTO_TEST_CASE(token_that_is_none_does_not_read_the_run_on_the_loop)
{
    const auto delivered = finish(engine->complete_on_request({id + ".made-up", true, "1"}));
    const auto heard = finish(engine->hear_of_callback({id + ".made-up", {}, {}}));
    const auto no_run = finish(engine->complete_on_request({"nosuch.made-up", true, "1"}));
    BOOST_TEST((delivered.what == kind::unknown));
    BOOST_TEST((heard.what == kind::unknown));
    // It does not tell whether there is such a run.
    BOOST_TEST(delivered.text == no_run.text);
    BOOST_TEST(delivered.run.value() == no_run.run.value());
    BOOST_TEST(here->reads == 0);
}

BOOST_AUTO_TEST_SUITE_END()
