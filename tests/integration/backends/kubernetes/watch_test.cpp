// All waiting attempts share one watch of the real API, which goes on where it broke off.

#include "test_cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace potoo;
using conformance::trial_engine;
using schedule::run_state;
using test::fault_proxy;
using test::needs_kubernetes;
using test::test_cluster;
using test::when;

BOOST_TEST_GLOBAL_FIXTURE(needs_kubernetes);

namespace {

constexpr std::string_view watch_part = "watch=1";
constexpr std::string_view list_part = "/jobs?labelSelector=potoo.dev/token&limit=";

std::vector<std::string> targets_with(test_cluster& c, std::string_view part)
{
    std::vector<std::string> found;
    for (const std::string& r : c.proxy().requests()) {
        if (r.find(part) != std::string::npos)
            found.push_back(r);
    }
    return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_watch)

BOOST_AUTO_TEST_CASE(one_watch_serves_fifty_jobs)
{
    test_cluster c;
    trial_engine e;
    std::string dag = c.dag_text("['true']");
    dag += "    foreach: \"${{ range(50) }}\"\n";
    e.start(dag, {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(c.requests_with("POST ") == 50);
    BOOST_TEST(c.requests_with(watch_part) == 1);
    BOOST_TEST(c.requests_with(list_part) == 1);
    // One for the pod and one for the log, when it has ended; none while it runs but the slow look of all together.
    BOOST_TEST(c.requests_with("/pods?labelSelector=potoo.dev/token%3D") == 50);
    BOOST_TEST(c.requests_with("/log?") == 50);
    BOOST_TEST(c.requests_with("%20in%20(") <= 8);
}

BOOST_AUTO_TEST_CASE(watch_that_ended_goes_on_from_the_last_bookmark)
{
    test_cluster c;
    const json::value jobs = c.ask("GET", c.path("jobs"));
    const std::string version(jobs.at("metadata").at("resourceVersion").as_string());
    auto r = when("GET", watch_part, 1);
    r.answer = "200 OK\r\nContent-Type: application/json\r\n";
    r.body = fmt::format(
        R"({{"type":"BOOKMARK","object":{{"kind":"Job","apiVersion":"batch/v1","metadata":{{"resourceVersion":"{}"}}}}}})"
        "\n",
        version);
    c.proxy().add(std::move(r));
    trial_engine e;
    e.start(c.dag_text("'sleep 1'"), {});
    BOOST_TEST((e.finish() == run_state::success));
    const auto watches = targets_with(c, watch_part);
    BOOST_REQUIRE(watches.size() == 2);
    BOOST_TEST(watches[1].find("resourceVersion=" + version + "&") != std::string::npos);
    BOOST_TEST(c.requests_with(list_part) == 1);
}

BOOST_AUTO_TEST_CASE(watch_whose_connection_breaks_is_resumed)
{
    test_cluster c;
    c.proxy().add(when("GET", watch_part, 2, fault_proxy::fault::loses));
    trial_engine e;
    e.start(c.dag_text("'sleep 1'"), {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(c.requests_with(watch_part) == 3);
    BOOST_TEST(c.requests_with(list_part) == 1);
}

BOOST_AUTO_TEST_CASE(watch_whose_place_is_forgotten_begins_with_a_listing)
{
    test_cluster c;
    auto r = when("GET", watch_part, 1);
    r.answer = "200 OK\r\nContent-Type: application/json\r\n";
    r.body = R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
             R"("message":"too old resource version",
    "reason" : "Expired", "code" : 410
}
})"
             "\n";
    c.proxy().add(std::move(r));
    auto gone = when("GET", watch_part, 1);
    gone.answer = "410 Gone\r\n";
    c.proxy().add(std::move(gone));
    trial_engine e;
    e.start(c.dag_text("'sleep 1'"), {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(c.requests_with(watch_part) == 3);
    BOOST_TEST(c.requests_with(list_part) == 3);
    BOOST_TEST(e.logs().find("cannot ask") == std::string::npos, e.logs());
}

BOOST_AUTO_TEST_CASE(jobs_are_asked_about_where_the_watch_is_refused)
{
    test_cluster c;
    auto r = when("GET", watch_part, 1000);
    r.answer = "403 Forbidden\r\nContent-Type: application/json\r\n";
    r.body = R"({"kind":"Status","status":"Failure","message":"jobs.batch is forbidden: cannot watch","code":403})";
    c.proxy().add(std::move(r));
    trial_engine e;
    e.start(c.dag_text("'sleep 3'", "  poll: {interval: 500ms, max_interval: 500ms}\n"), {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(c.requests_with(watch_part) == 1);
    BOOST_TEST(c.requests_with("%20in%20(") > 0);
    BOOST_TEST(e.logs().find("cannot watch") != std::string::npos, e.logs());
}

BOOST_AUTO_TEST_CASE(end_while_the_engine_is_down_is_seen_at_once_after_it)
{
    test_cluster c;
    trial_engine e;
    e.start(c.dag_text("'sleep 2; echo 7'"), {});
    e.run_until([&] { return e.deferred(); });
    e.crash();
    for (bool ended = false; !ended;) {
        const json::value jobs = c.ask("GET", c.path("jobs"));
        ended = jobs.at("items").at(0).at("status").as_object().contains("conditions");
    }
    e.come_up();
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(e.output().at("result") == 7);
    BOOST_TEST(c.requests_with("POST ") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
