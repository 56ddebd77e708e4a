#include "engine/net/http_client_beast.hpp"
#include "tests/integration/job_service/running_service.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

constexpr const char* description = R"({
  "submit": {"method": "POST", "url": "${{ params.service }}/jobs", "headers": {"Idempotency-Key": "${{ launch_token }}"},
             "body": {"command": "${{ params.command }}"}},
  "id": "${{ response.body.id }}",
  "find": {"method": "GET", "url": "${{ params.service }}/jobs?token=${{ launch_token }}",
           "id": "${{ response.body.jobs[0].id }}"},
  "status": {"method": "GET", "url": "${{ params.service }}/jobs/${{ id }}"},
  "batch": {"method": "POST", "url": "${{ params.service }}/jobs/query", "body": {"ids": "${{ ids }}"}, "limit": 100,
            "items": "${{ response.body.jobs }}", "id": "${{ job.id }}"},
  "state": "${{ job.state }}",
  "success": ["SUCCEEDED"],
  "failure": ["FAILED", "LOST"],
  "cancelled": ["CANCELLED"],
  "output": "${{ job.result }}",
  "error": "${{ job.error }}",
  "cancel": {"method": "DELETE", "url": "${{ params.service }}/jobs/${{ id }}"},
  "logs": {"method": "GET", "url": "${{ params.service }}/jobs/${{ id }}/log"},
  "poll": {"interval": "200ms", "max_interval": "200ms", "backoff": 1}})";

std::string without(std::initializer_list<const char*> names)
{
    auto v = json::parse(description).as_object();
    for (const char* name : names)
        v.erase(name);
    return json::serialize(v);
}

struct against_service : test::operator_fixture
{
    test::running_service service{{"--slots", "4"}};
    test::service_connection side{service};
    net::beast_http_client client{loop};
    test::fake_context::shared_objects shared;
    std::deque<test::fake_context> contexts;

    test::fake_context& make(const std::string& text, json::value command)
    {
        auto& c = contexts.emplace_back(loop, "http_job", text);
        c.client = &client;
        c.shared = &shared;
        c.launch_name = launch_token("potoo-job-" + std::to_string(contexts.size()));
        c.bind("launch_token", json::value(c.launch_name.value()));
        c.bind("params", json::object{{"service", service.url()}, {"command", std::move(command)}});
        return c;
    }

    /// Jobs side by side. @return their outputs
    std::vector<json::value> run_many(const std::string& text, int n, const json::value& command)
    {
        std::deque<test::started_task<json::value>> all;
        for (int i = 0; i < n; ++i)
            all.emplace_back(loop, make(text, command).perform());
        std::vector<json::value> outputs;
        for (auto& t : all)
            outputs.push_back(finish(t));
        return outputs;
    }

    /// Runs the loop until it holds.
    template <class Condition>
    void run_until(Condition holds)
    {
        context.restart();
        while (!holds() && context.run_one() != 0) {}
    }

    std::int64_t calls(std::string_view route)
    {
        const json::value stats = side.get("/stats").body();
        const auto* n = stats.at("requests").as_object().if_contains(route);
        return n ? n->to_number<std::int64_t>() : 0;
    }

    ~against_service() { shared.clear(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(http_job_on_the_job_service, against_service)

BOOST_AUTO_TEST_CASE(hundreds_of_jobs_are_watched_by_single_requests)
{
    const auto outputs = run_many(without({"batch"}), 300, json::array{"builtin:sleep", "1"});
    BOOST_TEST(outputs.size() == 300u);
    BOOST_TEST(calls("submit") == 300);
    BOOST_TEST(calls("status") >= 300 * 3);
    BOOST_TEST(calls("query") == 0);
    BOOST_TEST(client.connections_opened() <= 64u);
}

BOOST_AUTO_TEST_CASE(hundreds_of_jobs_are_watched_by_few_batches)
{
    const auto outputs = run_many(without({}), 300, json::array{"builtin:sleep", "1"});
    BOOST_TEST(outputs.size() == 300u);
    BOOST_TEST(calls("submit") == 300);
    BOOST_TEST(calls("status") == 0);
    BOOST_TEST(calls("query") > 0);
    BOOST_TEST(calls("query") <= 150);
    BOOST_TEST_MESSAGE("batch calls for 300 jobs: " << calls("query"));
}

BOOST_AUTO_TEST_CASE(real_process_yields_its_result_and_its_log)
{
    auto& c = make(without({}), "echo working >&2; echo '{\"rows\": 3}'");
    BOOST_TEST(run(c.perform()) == json::parse(R"({"rows": 3})"));
    BOOST_TEST(c.standard_output.find("working\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(failed_process_fails_with_its_exit_code)
{
    auto& c = make(without({}), "echo no disk >&2; exit 4");
    BOOST_CHECK_EXCEPTION(run(c.perform()), failure, [](const failure& f) { return f.code() == "exit_4"; });
    BOOST_TEST(c.standard_output == "no disk\n");
}

BOOST_AUTO_TEST_CASE(stopped_task_cancels_the_running_job)
{
    auto& c = make(without({}), "echo started; sleep 1000");
    test::started_task<json::value> t(loop, c.perform());
    run_until([&] { return !c.facts.empty() && c.facts.back().first == "launch_recorded"; });
    const std::string id(c.facts.back().second.as_string());
    BOOST_TEST(test::eventually([&] { return side.get("/jobs/" + id + "/log").text == "started\n"; }));
    t.cancel(cancel_reason::user);
    BOOST_CHECK_EXCEPTION(finish(t), cancelled, [](const cancelled& e) { return e.reason() == cancel_reason::user; });
    BOOST_TEST(side.get("/jobs/" + id).string_at("state") == "CANCELLED");
    BOOST_TEST(c.standard_output == "started\n");
    BOOST_TEST(c.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(lost_answers_after_acceptance_make_one_job_for_each_token)
{
    side.put("/faults", json::parse(R"({"seed": 3, "drop_response": {"probability": 0.5, "routes": "submit"}})"));
    const auto outputs = run_many(without({}), 40, json::array{"builtin:succeed", "7"});
    for (const auto& o : outputs)
        BOOST_TEST(o == json::value(7));
    BOOST_TEST(side.get("/faults").body().at("drop_response").at("fired").to_number<int>() > 5);
    const json::value listed = side.get("/jobs?limit=1000").body();
    BOOST_TEST(listed.at("jobs").as_array().size() == 40u);
    std::map<std::string, int> by_token;
    for (const auto& j : listed.at("jobs").as_array())
        ++by_token[std::string(j.at("token").as_string())];
    BOOST_TEST(by_token.size() == 40u);
}

BOOST_AUTO_TEST_CASE(job_that_is_deleted_behind_our_back_is_lost)
{
    auto& c = make(without({}), json::array{"builtin:sleep", "1000"});
    test::started_task<json::value> t(loop, c.perform());
    run_until([&] { return !c.facts.empty() && c.facts.back().first == "launch_recorded"; });
    side.post("/jobs/" + std::string(c.facts.back().second.as_string()) + "/forget", json::object());
    BOOST_CHECK_EXCEPTION(finish(t), failure, [](const failure& f) { return f.code() == "lost"; });
}

BOOST_AUTO_TEST_CASE(service_that_misbehaves_in_every_way_is_survived)
{
    side.put("/faults", json::parse(R"({"seed": 11, "delay_ms": {"probability": 0.2, "ms": 30},
        "server_error": {"probability": 0.2, "routes": ["status", "query"]},
        "drop_response": {"probability": 0.1, "routes": ["status", "query", "log"]},
        "garbage": {"probability": 0.1, "routes": ["status", "query"]},
        "truncate": {"probability": 0.1, "routes": ["status", "query"]}, "stale_status": 0.2})"));
    const auto outputs = run_many(without({"batch"}), 30, json::array{"builtin:succeed", "7"});
    BOOST_TEST(outputs.size() == 30u);
    BOOST_TEST(calls("submit") == 30);
}

BOOST_AUTO_TEST_CASE(sensor_waits_for_the_state_of_a_job)
{
    const std::string id = side.post("/jobs", json::parse(R"({"command": ["builtin:sleep", "0.3"]})")).string_at("id");
    test::fake_context c(loop, "http_sensor",
                         R"({"url": ")" + service.url() + "/jobs/" + id +
                             R"(", "condition": "${{ response.status == 200 && response.body.state == 'SUCCEEDED' }}",
                                 "interval": "50ms"})");
    c.client = &client;
    BOOST_TEST(run(c.perform()).at("body").at("id") == json::value(id));
}

BOOST_AUTO_TEST_SUITE_END()
