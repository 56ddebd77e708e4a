// Jobs that DescribeJobs and ListJobs do not tell of as one would wish: AWS Batch is played, on a virtual clock.

#include "tests/unit/aws/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>

using namespace potoo;
using namespace std::chrono_literals;
using test::fake_context;
using test::started_task;

namespace {

struct played_batch : test::machine_on<test::still_clock>
{
    played_batch()
    {
        for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BATCH", "AWS_PROFILE"})
            ::unsetenv(name);
        client.reply = [this](const http_request& r) -> test::scripted_http::answer {
            const std::string operation = r.url.substr(r.url.rfind('/') + 1);
            ++calls[operation];
            return serve(operation, json::parse(r.body).as_object());
        };
    }

    ~played_batch()
    {
        for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
            ::unsetenv(name);
    }

    played_batch(const played_batch&) = delete;
    played_batch& operator=(const played_batch&) = delete;

    fake_context::shared_objects shared;
    std::map<std::string, int> calls;
    std::map<std::string, std::string> states; ///< of the jobs that are shown
    std::string listed = R"({"jobSummaryList": []})";
    std::function<http_response()> instead; ///< of telling of jobs

    test::scripted_http::answer serve(const std::string& operation, const json::object& asked)
    {
        if (operation == "submitjob")
            return answer(200, R"({"jobId": "j1"})");
        if (operation == "listjobs")
            return answer(200, listed);
        if (operation == "describejobs")
            return instead ? instead() : answer(200, json::serialize(told(asked.at("jobs").as_array())));
        // What is not known is passed over without a word.
        const auto job = states.find(std::string(asked.at("jobId").as_string()));
        if (operation == "terminatejob" && job != states.end())
            job->second = "FAILED";
        return answer(200, "{}");
    }

    json::object told(const json::array& ids) const
    {
        json::array jobs;
        for (const json::value& id : ids) {
            const auto job = states.find(std::string(id.as_string()));
            if (job != states.end())
                jobs.push_back({{"jobId", id}, {"status", job->second}, {"statusReason", "stopped by potoo"}});
        }
        return {{"jobs", std::move(jobs)}};
    }

    std::unique_ptr<fake_context> attempt(bool array = false, bool with_key = true)
    {
        auto ctx = std::make_unique<fake_context>(
            loop, "aws_batch",
            std::string(R"({"job_queue": "q", "job_definition": "d", "logs": false, "settle": "1s", "array": )") +
                (array ? "true}" : "false}"));
        ctx->client = &client;
        ctx->runner = &processes;
        ctx->shared = &shared;
        json::object& c = ctx->connections["aws_batch"];
        c = {{"type", "aws_batch"}, {"region", "r1"}, {"endpoint_url", "http://aws.local"}};
        if (with_key) {
            c["access_key_id"] = "AKIDFIRSTEXAMPLE";
            c["secret_access_key"] = "first 5ecret";
        }
        return ctx;
    }

    static void use_key(const std::string& name)
    {
        ::setenv("AWS_ACCESS_KEY_ID", ("AKID" + name + "EXAMPLE").c_str(), 1);
        ::setenv("AWS_SECRET_ACCESS_KEY", (name + " 5ecret").c_str(), 1);
    }

    bool clock_goes = false;

    /// The clock of an attempt that launches stands still until the files with the credentials were read.
    template <class Predicate>
    void run_until(Predicate p)
    {
        while (!p()) {
            loop.run_present();
            if (!p() && (clock_goes || !client.requests.empty()))
                loop.run(100ms);
        }
    }

    void run_for(std::chrono::seconds s)
    {
        const steady_time end = loop.now() + s;
        run_until([&] { return loop.now() >= end; });
    }

    static std::string code_of(started_task<json::value>& t)
    {
        try {
            (void)t.take();
        } catch (const task_error& e) {
            return e.code();
        } catch (const cancelled&) {
            return "stopped";
        }
        return "success";
    }

    bool submitted() { return calls["submitjob"] > 0; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(aws_batch_job_life, played_batch)

BOOST_AUTO_TEST_CASE(job_that_is_shown_late_is_waited_for)
{
    auto ctx = attempt();
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return submitted(); });
    run_for(30s);
    BOOST_TEST(!t.ended());
    states["j1"] = "SUCCEEDED";
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "success");
}

BOOST_AUTO_TEST_CASE(job_that_is_not_shown_for_a_minute_is_lost)
{
    auto ctx = attempt();
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "lost");
    BOOST_TEST((loop.elapsed() >= 60s));
    BOOST_TEST(calls["describejobs"] >= 3);
}

BOOST_AUTO_TEST_CASE(job_that_is_not_shown_yet_is_stopped_when_it_is)
{
    auto ctx = attempt();
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return submitted(); });
    t.cancel(cancel_reason::user);
    run_for(20s);
    BOOST_TEST(!t.ended());
    BOOST_TEST(calls["terminatejob"] >= 1);
    states["j1"] = "RUNNING";
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "stopped");
    BOOST_TEST(states["j1"] == "FAILED");
    BOOST_TEST(ctx->unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(job_that_never_was_shown_has_ended_after_a_minute)
{
    auto ctx = attempt();
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return submitted(); });
    t.cancel(cancel_reason::user);
    const steady_time told = loop.now();
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "stopped");
    BOOST_TEST((loop.now() - told >= 60s));
    BOOST_TEST(calls["terminatejob"] >= 3);
    BOOST_TEST(ctx->unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(child_whose_array_has_not_come_to_it_is_waited_for)
{
    auto ctx = attempt(true);
    ctx->history = {{"launch_intent", "x"}, {"launch_recorded", "a:3"}};
    clock_goes = true;
    states["a"] = "PENDING";
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return calls["describejobs"] > 0; });
    run_for(300s);
    BOOST_TEST(!t.ended());
    states["a:3"] = "SUCCEEDED";
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "success");
}

BOOST_AUTO_TEST_CASE(child_is_lost_with_its_array)
{
    auto ctx = attempt(true);
    ctx->history = {{"launch_intent", "x"}, {"launch_recorded", "a:3"}};
    clock_goes = true;
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "lost");
}

BOOST_AUTO_TEST_CASE(array_is_looked_for_again_by_those_who_ask_later)
{
    const auto find = [this](std::size_t item) {
        auto ctx = attempt(true);
        ctx->history = {{"launch_intent", "x"}};
        ctx->item_position = item_index(item);
        started_task<json::value> t(loop, ctx->perform());
        run_until([&] { return t.ended(); });
        return t.take().at("id");
    };
    const std::string name = attempt()->group_name.value() + "-0-2";
    const auto listing = [&](const char* id, int created) {
        return json::serialize(
            json::object{{"jobSummaryList", {json::object{{"jobId", id}, {"jobName", name}, {"createdAt", created}}}}});
    };
    states = {{"a:0", "SUCCEEDED"}, {"b:1", "SUCCEEDED"}};
    listed = listing("a", 1);
    BOOST_TEST(find(0) == "a:0");
    listed = listing("b", 2);
    BOOST_TEST(find(1) == "b:1");
    BOOST_TEST(calls["listjobs"] == 2);
}

BOOST_AUTO_TEST_CASE(page_that_names_itself_as_the_next_ends_the_listing)
{
    auto ctx = attempt();
    ctx->history = {{"launch_intent", "x"}};
    listed = R"({"jobSummaryList": [], "nextToken": "again"})";
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return !ctx->lines.empty() && ctx->lines.back().find("twice") != std::string::npos; });
    BOOST_TEST(calls["listjobs"] == 2);
    listed = R"({"jobSummaryList": []})";
    states["j1"] = "SUCCEEDED";
    run_until([&] { return t.ended(); });
    BOOST_TEST(code_of(t) == "success");
}

BOOST_AUTO_TEST_CASE(credentials_that_changed_meanwhile_are_concealed_before_trouble_is_told)
{
    use_key("first");
    auto ctx = attempt(false, false);
    started_task<json::value> t(loop, ctx->perform());
    instead = [this] {
        use_key("second");
        instead = [] { return answer(500, "second 5ecret"); };
        return answer(400, R"({"__type": "ExpiredTokenException"})");
    };
    const auto told = [&](const std::string& line) { return line.find("asking again") != std::string::npos; };
    run_until([&] { return std::ranges::any_of(ctx->lines, told); });
    BOOST_TEST((std::ranges::count(ctx->concealed, "first 5ecret") > 0));
    BOOST_TEST((std::ranges::count(ctx->concealed, "second 5ecret") > 0));
    instead = nullptr;
    states["j1"] = "SUCCEEDED";
    run_until([&] { return t.ended(); });
}

BOOST_AUTO_TEST_SUITE_END()
