#include "engine/graph/load.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/local_host.hpp"
#include "engine/journal/sqlite_store.hpp"
#include "tests/unit/host/engine_at.hpp"
#include "tests/unit/host/scratch_state.hpp"

#include <potoo/asio.hpp>
#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <optional>
#include <string>

using namespace potoo;
using namespace potoo::host;
using namespace std::chrono_literals;
using potoo::host::test::engine_at;
using potoo::host::test::eventual;
using potoo::host::test::scratch_state;
using kind = request_result::kind;

namespace {

task<json::value> wait_for_ever(context&)
{
    co_await sleep_for(24h);
    co_return json::value();
}

std::string& last_token()
{
    static std::string token;
    return token;
}

task<json::value> wait_for_answer(context& ctx)
{
    const open_callback asked = co_await ctx.callback("answer");
    last_token() = asked.token();
    auto answer = co_await ctx.completion(asked);
    co_return answer;
}

task<json::value> do_nothing(context&)
{
    co_return json::value();
}

POTOO_OPERATOR("host_wait", wait_for_ever, {.summary = "Waits."})
POTOO_OPERATOR("host_ask", wait_for_answer, {.summary = "Asks."})
POTOO_OPERATOR("host_nothing", do_nothing, {.summary = "Does nothing."})

constexpr const char* waiting = "name: waiting\ntasks: {wait: {operator: host_wait}}";
constexpr const char* asking = "name: asking\ntasks: {ask: {operator: host_ask}}";
constexpr const char* brief = "name: brief\ntasks: {a: {operator: host_nothing}}";

std::string left_by_an_engine(const scratch_state& s, const char* text)
{
    engine_at e(s);
    auto& r = e.begin(text);
    e.run_until([&] { return text != asking || !last_token().empty(); });
    e.engine().detach_all();
    BOOST_TEST(e.end_of(r).detached);
    return r.seen.id.value();
}

std::size_t cancellations(const scratch_state& s)
{
    std::size_t n = 0;
    journal::open_sqlite_reader(s.layout())
        ->records(journal::run_number(1), journal::record_seq(0), [&](journal::record_seq, const journal::record& r) {
            n += r.kind == journal::record_kind::cancel_requested ? 1 : 0;
            return true;
        });
    return n;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(requests_to_an_engine, scratch_state)

BOOST_AUTO_TEST_CASE(letting_go_of_all_runs_leaves_them_unfinished)
{
    engine_at e(*this);
    auto& first = e.begin(waiting);
    auto& second = e.begin(waiting);
    e.engine().detach_all();
    BOOST_TEST(e.end_of(first).detached);
    BOOST_TEST(e.end_of(second).detached);
    BOOST_TEST(e.engine().unfinished().size() == 2u);
    BOOST_TEST(e.engine().unreconciled().empty());
}

BOOST_AUTO_TEST_CASE(another_reader_sees_what_is_durable_beside_the_writer)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    const auto reader = journal::open_sqlite_reader(layout());
    const auto before = reader->runs({});
    BOOST_TEST_REQUIRE(before.size() == 1u);
    BOOST_TEST(before.front().id.value() == r.seen.id.value());
    const auto result = e.finish(e.engine().cancel_on_request(r.seen.id.value(), {}));
    BOOST_TEST((result.what == kind::accepted));
    BOOST_TEST(cancellations(*this) == 1u);
    BOOST_TEST((e.end_of(r).state == schedule::run_state::cancelled));
    BOOST_TEST((reader->runs({}).front().state == journal::recorded_state::cancelled));
}

BOOST_AUTO_TEST_CASE(overlap_is_not_about_runs_of_replays)
{
    engine_at e(*this);
    const auto loaded = graph::load_dag("schedule: \"@daily\"\noverlap: cancel_running\n"
                                        "tasks: {wait: {operator: host_wait}}",
                                        "a.yaml", operators());
    BOOST_REQUIRE(loaded.value);
    const auto begin = [&](const char* by) -> engine_at::run& {
        run_request wish{loaded.value};
        wish.origin.by = by;
        return e.begin(std::move(wish));
    };
    auto& first = begin("schedule");
    auto& replayed = begin("replay");
    BOOST_TEST(!first.outcome.ended);
    auto& second = begin("schedule");
    BOOST_TEST((e.end_of(first).state == schedule::run_state::cancelled));
    BOOST_TEST(!replayed.outcome.ended);
    BOOST_TEST(!second.outcome.ended);
}

BOOST_AUTO_TEST_CASE(run_that_is_carried_is_cancelled_on_request)
{
    engine_at e(*this);
    auto& r = e.begin(waiting);
    const std::string id = r.seen.id.value();
    BOOST_TEST((e.finish(e.engine().cancel_on_request(id, {"wiat"})).what == kind::unknown));
    BOOST_TEST((e.finish(e.engine().cancel_on_request("nobody", {})).what == kind::unknown));
    const auto result = e.finish(e.engine().cancel_on_request(id.substr(0, 5), {"wait"}));
    BOOST_TEST((result.what == kind::accepted));
    BOOST_TEST(result.carried);
    BOOST_TEST((e.end_of(r).state == schedule::run_state::cancelled));
    const auto late = e.finish(e.engine().cancel_on_request(id, {}));
    BOOST_TEST((late.what == kind::ended));
    BOOST_TEST(late.state == "cancelled");
}

BOOST_AUTO_TEST_CASE(requests_about_a_run_that_is_not_carried_are_recorded_once)
{
    const std::string id = left_by_an_engine(*this, waiting);
    engine_at e(*this);
    eventual<request_result> first;
    eventual<request_result> second;
    e.start(first, e.engine().cancel_on_request(id, {}));
    e.start(second, e.engine().cancel_on_request(id, {}));
    e.run_until([&] { return first.ended && second.ended; });
    BOOST_TEST((first.value->what == kind::accepted));
    BOOST_TEST(!first.value->carried);
    BOOST_TEST((second.value->what == kind::repeated));
    BOOST_TEST(cancellations(*this) == 1u);
}

BOOST_AUTO_TEST_CASE(run_begins_with_what_was_asked_for_before)
{
    const std::string id = left_by_an_engine(*this, waiting);
    engine_at e(*this);
    eventual<request_result> asked;
    e.start(asked, e.engine().cancel_on_request(id, {}));
    // At once, while the request is on its way to the disk.
    auto& r = e.resume(e.engine().unfinished().front());
    BOOST_TEST((e.end_of(r).state == schedule::run_state::cancelled));
    BOOST_TEST((asked.value->what == kind::accepted));
}

BOOST_AUTO_TEST_CASE(callback_is_completed_wherever_its_run_is)
{
    last_token().clear();
    {
        engine_at e(*this);
        auto& r = e.begin(asking);
        e.run_until([] { return !last_token().empty(); });
        const callback_delivery answer{last_token(), true, "[1]"};
        BOOST_TEST((e.finish(e.engine().complete_on_request({last_token() + "x", true, "1"})).what == kind::unknown));
        BOOST_TEST((e.finish(e.engine().complete_on_request(answer)).what == kind::accepted));
        BOOST_TEST((e.end_of(r).state == schedule::run_state::success));
        BOOST_TEST((e.finish(e.engine().complete_on_request(answer)).what == kind::repeated));
    }
    last_token().clear();
    left_by_an_engine(*this, asking);
    engine_at e(*this);
    const callback_delivery answer{last_token(), true, "2"};
    BOOST_TEST((e.finish(e.engine().complete_on_request(answer)).what == kind::accepted));
    BOOST_TEST((e.finish(e.engine().complete_on_request(answer)).what == kind::repeated));
    auto& r = e.resume(e.engine().unfinished().front());
    BOOST_TEST((e.end_of(r).state == schedule::run_state::success));
}

BOOST_AUTO_TEST_CASE(old_runs_are_removed_when_a_run_has_ended)
{
    engine_at e(*this);
    for (int i = 0; i < 3; ++i)
        e.end_of(e.begin(brief));
    journal::retention rules;
    rules.keep_runs = 1;
    e.engine().keep(rules);
    e.run_until([&, reader = journal::open_sqlite_reader(layout())] { return reader->runs({}).size() == 1u; });
    e.end_of(e.begin(brief));
    e.run_until([&, reader = journal::open_sqlite_reader(layout())] { return reader->runs({}).size() == 1u; });
    const auto removed = e.finish(e.engine().collect({.keep_runs = 0u}));
    BOOST_TEST(removed.runs == 1u);
}

BOOST_AUTO_TEST_CASE(malformed_requests_are_answered)
{
    engine_at e(*this);
    for (const char* line :
         {"", "{", "[]", "{}", R"({"verb":1})", R"({"verb":"fly"})", R"({"verb":"cancel"})",
          R"({"verb":"cancel","run":""})", R"({"verb":"cancel","run":"a","tasks":"b"})",
          R"({"verb":"cancel","run":"a","tasks":[1]})", R"({"verb":"complete","token":"a","state":"odd","data":"1"})",
          R"({"verb":"gc"})", R"({"verb":"gc","keep_runs":-1})", R"({"verb":"gc","keep_for":"x"})"}) {
        const std::string answer = e.finish(carry_out_request(e.engine(), line));
        BOOST_TEST((result_of_answer(answer).what == kind::invalid), line << " got " << answer);
    }
    BOOST_TEST(
        (result_of_answer(e.finish(carry_out_request(e.engine(), R"({"verb":"ping"})"))).what == kind::accepted));
    BOOST_CHECK_THROW(static_cast<void>(result_of_answer("nonsense")), bad_answer);
    BOOST_CHECK_THROW(static_cast<void>(result_of_answer(R"({"result":"failed","text":"x"})")), bad_answer);
}

BOOST_AUTO_TEST_SUITE_END()
