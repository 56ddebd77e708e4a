#include "operators/http_job_endpoint.hpp"
#include "tests/unit/operators/fake_context.hpp"
#include "tests/unit/operators/scripted_http.hpp"
#include "tests/unit/task/runner.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace potoo;
using namespace std::chrono_literals;

namespace {

constexpr const char* whole = R"({
  "submit": {"method": "POST", "url": "http://s/jobs", "headers": {"Idempotency-Key": "${{ launch_token }}"},
             "body": {"command": ["work"]}},
  "id": "${{ response.body.id }}",
  "find": {"url": "http://s/jobs?token=${{ launch_token }}", "id": "${{ response.body.jobs[0].id }}"},
  "status": {"url": "http://s/jobs/${{ id }}"},
  "state": "${{ job.state }}",
  "success": ["SUCCEEDED"], "failure": ["FAILED"], "cancelled": ["CANCELLED"],
  "output": "${{ job.result }}",
  "error": "${{ job.error }}",
  "cancel": {"method": "DELETE", "url": "http://s/jobs/${{ id }}"},
  "logs": {"url": "http://s/jobs/${{ id }}/log"},
  "poll": {"interval": "1s", "max_interval": "1s", "backoff": 1}})";

/// `whole` with other members.
std::string with(std::initializer_list<std::pair<const char*, const char*>> changes)
{
    auto v = json::parse(whole).as_object();
    for (const auto& [name, text] : changes) {
        if (std::string_view(text) == "none")
            v.erase(name);
        else
            v[name] = json::parse(text);
    }
    return json::serialize(v);
}

constexpr const char* batch =
    R"({"method": "POST", "url": "http://s/jobs/query", "body": {"ids": "${{ ids }}"}, "limit": 10,
                                  "items": "${{ response.body.jobs }}", "id": "${{ job.id }}"})";

/// A service whose jobs end after so many looks.
struct job_service : test::fixture
{
    struct job
    {
        std::string token;
        int looks = 0;
        std::string end = "SUCCEEDED";
    };

    test::scripted_http client;
    test::fake_context::shared_objects shared;
    std::map<std::string, job> jobs;
    std::map<std::string, int> calls; ///< by `METHOD what`
    std::set<std::string> unlisted;   ///< ids that the listing does not show
    int looks_needed = 3;
    std::string end = "SUCCEEDED";
    std::function<std::optional<test::scripted_http::answer>(const std::string& call, int n)> fault;
    std::deque<test::fake_context> contexts;

    job_service()
    {
        client.reply = [this](const http_request& r) { return reply(r); };
    }

    test::scripted_http::answer reply(const http_request& r)
    {
        const std::string path = r.url.substr(r.url.find("/jobs") + 5);
        const std::string call = r.method + " " +
                                 (path.empty()                  ? "submit"
                                  : path.starts_with("?token=") ? "find"
                                  : path == "/query"            ? "query"
                                  : path.ends_with("/log")      ? "log"
                                                                : "one");
        const int n = ++calls[call];
        // A fault of the submission that says "lost" happens after the work.
        const auto f = fault ? fault(call, n) : std::nullopt;
        if (f && !(call == "POST submit" && f->has_error() && f->error() == http_error::connection_lost))
            return *f;
        auto answer = work(r, call, path);
        return f ? *f : answer;
    }

    test::scripted_http::answer work(const http_request& r, const std::string& call, const std::string& path)
    {
        if (call == "POST submit") {
            const std::string id = "job-" + std::to_string(jobs.size() + 1);
            jobs[id] = {r.headers.at(0).value, 0, end};
            return test::scripted_http::json(201, json::serialize(json::object{{"id", id}}));
        }
        if (call == "GET find") {
            json::array found;
            for (const auto& [id, j] : jobs) {
                if ("?token=" + j.token == path)
                    found.push_back(json::object{{"id", id}});
            }
            return test::scripted_http::json(200, json::serialize(json::object{{"jobs", found}}));
        }
        if (call == "POST query") {
            json::array found;
            const json::value asked = json::parse(r.body);
            for (const auto& id : asked.at("ids").as_array()) {
                const auto at = jobs.find(std::string(id.as_string()));
                if (at != jobs.end() && !unlisted.contains(at->first))
                    found.push_back(show(at->first, at->second));
            }
            return test::scripted_http::json(200, json::serialize(json::object{{"jobs", found}}));
        }
        const std::string id = path.substr(1, path.find('/', 1) - 1);
        const auto at = jobs.find(id);
        if (at == jobs.end())
            return test::scripted_http::json(404, "{}");
        if (call == "GET log") {
            http_response log;
            log.status = 200;
            log.body = "log of " + id + "\n";
            return log;
        }
        if (call == "DELETE one") {
            at->second.end = "CANCELLED";
            at->second.looks = looks_needed;
            return test::scripted_http::json(200, "{}");
        }
        return test::scripted_http::json(200, json::serialize(show(id, at->second)));
    }

    json::object show(const std::string& id, job& j)
    {
        const bool over = ++j.looks >= looks_needed;
        return {{"id", id},
                {"state", over ? j.end : "RUNNING"},
                {"result", json::object{{"of", id}}},
                {"error", json::object{{"message", "it broke"}, {"exit_code", 3}}}};
    }

    test::fake_context& make(const std::string& text)
    {
        auto& c = contexts.emplace_back(loop, "http_job", text);
        c.client = &client;
        c.shared = &shared;
        c.launch_name = launch_token("potoo-" + std::to_string(contexts.size()));
        c.bind("launch_token", json::value(c.launch_name.value()));
        return c;
    }

    json::value perform(const std::string& text) { return run(make(text).perform()); }

    std::string failure_of(const std::string& text)
    {
        try {
            perform(text);
        } catch (const task_error& e) {
            return std::string(to_string(e.classification())) + " " + e.code() + ": " + e.what();
        }
        return "no failure";
    }

    /// Made so far; beside them the tasks share the turns of one origin, and a book of endpoints.
    [[nodiscard]] std::size_t watchers() const { return shared.size() - 2; }

    ~job_service() { shared.clear(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(http_job, job_service)

BOOST_AUTO_TEST_CASE(job_runs_from_submission_to_log)
{
    BOOST_TEST(perform(whole) == json::parse(R"({"of": "job-1"})"));
    BOOST_TEST(calls["POST submit"] == 1);
    BOOST_TEST(calls["GET one"] == 3);
    BOOST_TEST(calls["GET log"] == 1);
    BOOST_TEST(contexts.back().standard_output == "log of job-1\n");
    BOOST_TEST(client.requests[0].body == R"({"command":["work"]})");
    BOOST_TEST(contexts.back().deferrals == 1);
}

BOOST_AUTO_TEST_CASE(output_is_the_job_unless_said_otherwise)
{
    BOOST_TEST(perform(with({{"output", "none"}})).at("state") == json::value("SUCCEEDED"));
    BOOST_TEST(perform(with({{"output", R"({"n": "${{ job.id }}", "s": "${{ response.status }}"})"}})) ==
               json::parse(R"({"n": "job-2", "s": 200})"));
}

BOOST_AUTO_TEST_CASE(failed_and_cancelled_jobs_fail_the_attempt)
{
    end = "FAILED";
    BOOST_TEST(failure_of(whole) == "retryable exit_3: it broke");
    BOOST_TEST(failure_of(with({{"error", "\"${{ job.error.message }}\""}})) == "retryable failed: it broke");
    BOOST_TEST(failure_of(with({{"error", "none"}})) == "retryable failed: the job ended FAILED");
    end = "CANCELLED";
    BOOST_TEST(failure_of(whole).starts_with("retryable cancelled"));
}

BOOST_AUTO_TEST_CASE(jobs_of_equal_tasks_are_asked_about_in_pages)
{
    std::deque<test::runner<json::value>> all;
    const std::string text = with({{"batch", batch}});
    for (int i = 0; i < 95; ++i)
        all.emplace_back(loop, make(text).perform());
    loop.run();
    for (auto& r : all)
        BOOST_TEST(r.ended());
    BOOST_TEST(calls["POST query"] == 30);
    BOOST_TEST(calls["GET one"] == 0);
    BOOST_TEST(watchers() == 1u);
}

BOOST_AUTO_TEST_CASE(tasks_that_ask_differently_are_not_mixed)
{
    const auto batch_for = [](const char* user) {
        auto b = json::parse(batch).as_object();
        b["headers"] = json::object{{"User", user}};
        return json::serialize(b);
    };
    const auto a = batch_for("a");
    const auto b = batch_for("b");
    test::runner<json::value> first(loop, make(with({{"batch", a.c_str()}})).perform());
    test::runner<json::value> second(loop, make(with({{"batch", b.c_str()}})).perform());
    test::runner<json::value> third(loop, make(with({{"batch", a.c_str()}, {"output", "none"}})).perform());
    loop.run();
    BOOST_TEST(first.ended());
    BOOST_TEST(second.ended());
    BOOST_TEST(third.ended());
    BOOST_TEST(watchers() == 2u);
    BOOST_TEST(calls["POST query"] == 6);
}

BOOST_AUTO_TEST_CASE(job_that_a_listing_does_not_show_is_asked_for_singly_before_it_is_lost)
{
    fault = [](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call == "POST query" && n == 1)
            return test::scripted_http::json(200, R"({"jobs": [{"id": "another", "state": "RUNNING"}]})");
        return std::nullopt;
    };
    BOOST_TEST(perform(with({{"batch", batch}})) == json::parse(R"({"of": "job-1"})"));
    BOOST_TEST(calls["GET one"] == 1);
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        if (call == "POST query")
            return test::scripted_http::json(200, R"({"jobs": []})");
        if (call == "GET one")
            return test::scripted_http::json(404, "{}");
        if (call == "GET find")
            return test::scripted_http::json(200, R"({"jobs": []})");
        return std::nullopt;
    };
    BOOST_TEST(failure_of(with({{"batch", batch}})).starts_with("retryable lost"));
    BOOST_TEST(failure_of(with({{"batch", batch}, {"status", "none"}})).starts_with("retryable lost"));
}

BOOST_AUTO_TEST_CASE(job_that_is_asked_about_in_the_wrong_place_is_stopped_and_not_launched_again)
{
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        return call == "GET one" ? std::optional(test::scripted_http::json(404, "{}")) : std::nullopt;
    };
    const std::string why = failure_of(whole);
    BOOST_TEST(why.starts_with("fatal lost"));
    BOOST_TEST(calls["DELETE one"] == 1);
}

BOOST_AUTO_TEST_CASE(answer_about_an_absent_job_that_cannot_be_read_concerns_no_other)
{
    unlisted = {"job-2"};
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        return call == "GET one" ? std::optional(test::scripted_http::answer(http_error::body_too_large))
                                 : std::nullopt;
    };
    std::deque<test::runner<json::value>> all;
    for (int i = 0; i < 3; ++i)
        all.emplace_back(loop, make(with({{"batch", batch}})).perform());
    loop.run(10min);
    BOOST_TEST(all[0].take() == json::parse(R"({"of": "job-1"})"));
    BOOST_CHECK_THROW(all[1].take(), fatal);
    BOOST_TEST(all[2].take() == json::parse(R"({"of": "job-3"})"));
}

BOOST_AUTO_TEST_CASE(lasting_trouble_with_an_absent_job_concerns_no_other)
{
    for (const unsigned status : {403U, 500U}) {
        unlisted = {"job-2"};
        jobs.clear();
        contexts.clear();
        fault = [status](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
            return call == "GET one" ? std::optional(test::scripted_http::json(status, "{}")) : std::nullopt;
        };
        std::deque<test::runner<json::value>> all;
        for (int i = 0; i < 3; ++i)
            all.emplace_back(loop, make(with({{"batch", batch}})).perform());
        loop.run(30s);
        BOOST_TEST(all[0].ended());
        BOOST_TEST(!all[1].ended());
        BOOST_TEST(all[2].ended());
        BOOST_TEST(contexts[0].lines.empty());
        BOOST_TEST(contexts[1].lines.size() == 1u);
        fault = nullptr;
        loop.run(10min);
        BOOST_TEST(all[1].take() == json::parse(R"({"of": "job-2"})"));
    }
}

BOOST_AUTO_TEST_CASE(refused_batch_is_asked_again_and_ends_no_job)
{
    fault = [](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        return call == "POST query" && n < 4 ? std::optional(test::scripted_http::json(400, "{}")) : std::nullopt;
    };
    BOOST_TEST(perform(with({{"batch", batch}})) == json::parse(R"({"of": "job-1"})"));
    BOOST_TEST(calls["DELETE one"] == 0);
    BOOST_TEST(contexts.back().lines.size() == 1u);
    BOOST_TEST(contexts.back().lines.front().find("POST http://s/jobs/query answered 400") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(absent_jobs_are_asked_about_within_the_limits_of_polls)
{
    for (int i = 1; i <= 40; ++i)
        unlisted.insert("job-" + std::to_string(i));
    const auto times_with = [&](json::object settings) {
        jobs.clear();
        std::vector<steady_time> times;
        fault = [&](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
            if (call == "GET one" || call == "POST query")
                times.push_back(loop.now());
            return std::nullopt;
        };
        settings["type"] = "http_job";
        std::deque<test::runner<json::value>> all;
        for (int i = 0; i < 40; ++i) {
            auto& c = make(with({{"batch", batch}}));
            c.connections["http_job"] = settings;
            all.emplace_back(loop, c.perform());
        }
        loop.run();
        for (auto& r : all)
            BOOST_TEST(r.ended());
        return times;
    };
    const auto two_at_once = times_with({{"poll_concurrency", 2}});
    BOOST_TEST(two_at_once.size() > 120u);
    for (std::size_t i = 2; i < two_at_once.size(); ++i)
        BOOST_CHECK(two_at_once[i] - two_at_once[i - 2] >= client.latency);
    const auto five_a_second = times_with({{"polls_per_second", 5}});
    for (std::size_t i = 1; i < five_a_second.size(); ++i)
        BOOST_CHECK(five_a_second[i] - five_a_second[i - 1] >= 200ms);
}

BOOST_AUTO_TEST_CASE(absent_jobs_are_not_asked_about_after_the_service_asked_for_a_pause)
{
    for (int i = 1; i <= 40; ++i)
        unlisted.insert("job-" + std::to_string(i));
    std::optional<steady_time> throttled_at;
    int during_pause = 0;
    fault = [&](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        if (throttled_at && loop.now() > *throttled_at + client.latency && loop.now() < *throttled_at + 20s)
            ++during_pause;
        if (call != "GET one" || throttled_at)
            return std::nullopt;
        throttled_at = loop.now();
        return test::scripted_http::json(429, "", {{"Retry-After", "20"}});
    };
    std::deque<test::runner<json::value>> all;
    for (int i = 0; i < 40; ++i)
        all.emplace_back(loop, make(with({{"batch", batch}, {"logs", "none"}})).perform());
    loop.run();
    BOOST_TEST(during_pause == 0);
    for (auto& r : all)
        BOOST_TEST(r.ended());
}

BOOST_AUTO_TEST_CASE(watcher_goes_down_while_absent_jobs_are_asked_about)
{
    for (int i = 1; i <= 40; ++i)
        unlisted.insert("job-" + std::to_string(i));
    std::deque<test::runner<json::value>> all;
    for (int i = 0; i < 40; ++i) {
        auto& c = make(with({{"batch", batch}}));
        c.connections["http_job"] = json::object{{"type", "http_job"}, {"poll_concurrency", 2}};
        all.emplace_back(loop, c.perform());
    }
    for (int i = 0; i < 1'000 && calls["GET one"] < 5; ++i)
        loop.run(client.latency);
    BOOST_TEST_REQUIRE(calls["GET one"] >= 5);
    all.clear();
    shared.clear();
    loop.run();
    BOOST_TEST(calls["GET one"] < 10);
}

BOOST_AUTO_TEST_CASE(time_for_an_absent_job_counts_from_its_own_request)
{
    unlisted = {"job-1"};
    std::vector<steady_time> sent;
    fault = [&](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        if (call == "GET one")
            sent.push_back(loop.now() - client.latency);
        return std::nullopt;
    };
    perform(with({{"batch", batch}}));
    BOOST_TEST(sent.size() == 3u);
    BOOST_CHECK(client.begun_at == sent);
}

BOOST_AUTO_TEST_CASE(job_that_a_listing_shows_twice_ends_by_either)
{
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        if (call != "POST query")
            return std::nullopt;
        return test::scripted_http::json(200, R"({"jobs": [{"id": "job-1", "state": "FAILED_TRY"},
            {"id": "job-1", "state": "SUCCEEDED", "result": 5}]})");
    };
    test::runner<json::value> r(loop, make(with({{"batch", batch}, {"logs", "none"}})).perform());
    loop.run(60s);
    BOOST_TEST_REQUIRE(r.ended());
    BOOST_TEST(r.take() == json::value(5));
}

BOOST_AUTO_TEST_CASE(listing_is_judged_alike_whether_scanned_or_read_as_a_whole)
{
    std::mt19937 random(7);
    const auto pick = [&](const std::vector<std::string>& all) { return all[random() % all.size()]; };
    const std::vector<std::string> ids{"\"job-1\"", "\"job-2\"", "\"job-3\"", "\"job-4\"",       "\"job-1\"",
                                       "\"job-2\"", "\"job-3\"", "\"other\"", "\"job\\u002d1\"", "17"};
    const std::vector<std::string> states{"\"RUNNING\"",   "\"RUNNING\"", "\"RUNNING\"", "\"WAITING\"",
                                          "\"SUCCEEDED\"", "\"FAILED\"",  "\"\"",        "\"SUCC\\u0045EDED\""};
    const auto listing = [&] {
        std::string items;
        int n = 0;
        const auto add = [&](const std::string& id) {
            items += (items.empty() ? "" : ",") + std::string("{\"id\":") + id + ",\"state\":" + pick(states) +
                     ",\"result\":" + std::to_string(++n) + "}";
        };
        // As asked, or at random; sometimes with what is not read quickly.
        if (random() % 2 == 0) {
            for (const char* id : {"\"job-1\"", "\"job-2\"", "\"job-3\"", "\"job-4\""}) {
                if (random() % 8 != 0)
                    add(id);
            }
        }
        for (std::size_t more = random() % 5; more > 0; --more)
            add(pick(ids));
        if (random() % 16 == 0)
            items += (items.empty() ? "" : ",") +
                     pick({R"({"id": "job-1"})", R"({"id": "job-2", "state": null})", R"({"id": null, "state": "X"})",
                           R"({"id": "job-3", "state": 4})", R"({"state": "FAILED"})", "null"});
        return R"({"jobs": [)" + items + "]}";
    };
    const auto outcome = [&](const std::string& answer, const char* state) {
        jobs.clear();
        calls.clear();
        looks_needed = 1;
        fault = [&](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
            return call == "POST query" && n == 1 ? std::optional(test::scripted_http::json(200, answer))
                                                  : std::nullopt;
        };
        std::deque<test::runner<json::value>> all;
        for (int i = 0; i < 4; ++i)
            all.emplace_back(loop, make(with({{"batch", batch}, {"state", state}, {"logs", "none"}})).perform());
        loop.run();
        std::string text = std::to_string(calls["GET one"]) + " single";
        for (auto& r : all) {
            try {
                text += " " + json::serialize(r.take());
            } catch (const task_error& e) {
                text += " " + std::string(to_string(e.classification())) + " " + e.code();
            }
        }
        shared.clear();
        contexts.clear();
        client.requests.clear();
        return text;
    };
    for (int i = 0; i < 300; ++i) {
        const std::string answer = listing();
        BOOST_TEST(outcome(answer, "\"${{ job.state }}\"") == outcome(answer, "\"${{ job['state'] }}\""), answer);
    }
}

BOOST_AUTO_TEST_CASE(job_that_is_not_found_is_asked_for_once_more_before_it_is_lost)
{
    fault = [](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call == "GET one" && n != 2)
            return test::scripted_http::json(404, "{}");
        return std::nullopt;
    };
    BOOST_TEST(failure_of(with({{"find", "none"}})).starts_with("retryable lost"));
    BOOST_TEST(calls["GET one"] == 4);
}

BOOST_AUTO_TEST_CASE(broken_status_answers_are_asked_for_again_and_logged_once)
{
    fault = [](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call != "GET one")
            return std::nullopt;
        switch (n) {
        case 1:
            return test::scripted_http::json(200, "{broken");
        case 2:
            return test::scripted_http::json(500, "");
        case 3:
            return test::scripted_http::answer(make_error_code(http_error::timed_out));
        case 4:
            return test::scripted_http::answer(make_error_code(http_error::timed_out));
        default:
            return std::nullopt;
        }
    };
    BOOST_TEST(perform(whole) == json::parse(R"({"of": "job-1"})"));
    BOOST_TEST(contexts.back().lines.size() == 3u);
}

BOOST_AUTO_TEST_CASE(throttled_status_holds_submissions_back_too)
{
    steady_time throttled_at;
    fault = [&](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call != "GET one" || n > 1)
            return std::nullopt;
        throttled_at = loop.now();
        return test::scripted_http::json(429, "", {{"Retry-After", "20"}});
    };
    test::runner<json::value> first(loop, make(whole).perform());
    loop.run(3s);
    BOOST_TEST_REQUIRE(calls["GET one"] == 1);
    test::runner<json::value> second(loop, make(whole).perform());
    loop.run(10s);
    BOOST_TEST(calls["POST submit"] == 1);
    loop.run();
    BOOST_TEST(first.ended());
    BOOST_TEST(second.ended());
}

BOOST_AUTO_TEST_CASE(throttled_submission_holds_looks_back_too)
{
    looks_needed = 100;
    test::runner<json::value> first(loop, make(whole).perform());
    loop.run(3s);
    fault = [&](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        return call == "POST submit" ? std::optional(test::scripted_http::json(429, "", {{"Retry-After", "20"}}))
                                     : std::nullopt;
    };
    BOOST_TEST(failure_of(whole).starts_with("retryable http_429"));
    fault = nullptr;
    const int looks = calls["GET one"];
    loop.run(15s);
    BOOST_TEST(calls["GET one"] - looks <= 1);
    loop.run();
    BOOST_TEST(first.ended());
}

BOOST_AUTO_TEST_CASE(pause_holds_for_tasks_with_other_settings_too)
{
    looks_needed = 100;
    std::deque<test::runner<json::value>> all;
    all.emplace_back(loop, make(whole).perform());
    all.emplace_back(loop, make(with({{"batch", batch}})).perform());
    loop.run(3s);
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        return call == "GET one" ? std::optional(test::scripted_http::json(429, "", {{"Retry-After", "20"}}))
                                 : std::nullopt;
    };
    loop.run(2s);
    fault = nullptr;
    calls.clear();
    all.emplace_back(loop, make(with({{"limits", R"({"per_second": 50})"}})).perform());
    all.emplace_back(loop, make(with({{"batch", batch}, {"state", "\"${{ job['state'] }}\""}})).perform());
    loop.run(15s);
    BOOST_TEST(calls.empty());
    loop.run();
    for (auto& r : all)
        BOOST_TEST(r.ended());
}

BOOST_AUTO_TEST_CASE(connection_gives_url_headers_and_limits)
{
    auto text = with({{"submit", R"({"method": "POST", "url": "/jobs", "headers": {"Own": "mine"}})"},
                      {"status", R"({"url": "/jobs/${{ id }}"})"},
                      {"connection", "\"farm\""}});
    auto& c = make(text);
    c.connections["farm"] = json::parse(R"({"type": "http_job", "url": "http://s/", "polls_per_second": 0.5,
        "headers": {"Authorization": "Bearer x", "own": "theirs"}})")
                                .as_object();
    BOOST_TEST(run(c.perform()) == json::parse(R"({"of": "job-1"})"));
    const http_request& submit = client.requests.front();
    BOOST_TEST(submit.url == "http://s/jobs");
    BOOST_TEST_REQUIRE(submit.headers.size() == 2u);
    BOOST_TEST(submit.headers[0].value == "mine");
    BOOST_TEST(submit.headers[1].value == "Bearer x");
    // Three looks, one in two seconds.
    BOOST_CHECK(loop.elapsed() >= 4s);
}

BOOST_AUTO_TEST_CASE(connection_named_like_the_operator_is_the_usual_one)
{
    auto& c = make(with({{"submit", R"({"method": "POST", "url": "/jobs", "headers": {"Own": "mine"}})"}}));
    c.connections["http_job"] = json::object{{"type", "http_job"}, {"url", "http://s"}};
    BOOST_TEST(run(c.perform()) == json::parse(R"({"of": "job-1"})"));
}

BOOST_AUTO_TEST_CASE(connection_that_is_wrong_is_refused_before_anything_is_sent)
{
    const auto failure_with = [&](json::object settings) {
        auto& c = make(with({{"connection", "\"farm\""}}));
        if (!settings.empty())
            c.connections["farm"] = std::move(settings);
        try {
            run(c.perform());
        } catch (const fatal& e) {
            return std::string(e.what());
        }
        return std::string("no failure");
    };
    BOOST_TEST(failure_with({}).find("no connection called farm") != std::string::npos);
    BOOST_TEST(failure_with({{"type", "slurm"}}).find("slurm") != std::string::npos);
    BOOST_TEST(failure_with({{"type", "http_job"}, {"rate", 5}}).find("`rate`") != std::string::npos);
    BOOST_TEST(failure_with({{"type", "http_job"}, {"page", 0}}).find("`page`") != std::string::npos);
    BOOST_TEST(failure_with({{"type", "http_job"}, {"per_second", -1}}).find("`per_second`") != std::string::npos);
    BOOST_TEST(failure_with({{"type", "http_job"}, {"poll_concurrency", 65}}).find("64 connections") !=
               std::string::npos);
    BOOST_TEST(failure_with({{"type", "http_job"}, {"headers", "x"}}).find("`headers`") != std::string::npos);
    BOOST_TEST(client.requests.empty());
}

BOOST_AUTO_TEST_CASE(headers_of_a_connection_go_to_its_server_alone)
{
    auto& c = make(with({{"submit", R"({"method": "POST", "url": "/jobs", "headers": {"Own": "mine"}})"},
                         {"status", R"({"url": "http://s.elsewhere/jobs/${{ id }}"})"},
                         {"logs", R"({"url": "HTTP://S:80/jobs/${{ id }}/log"})"}}));
    c.connections["http_job"] = json::parse(R"({"type": "http_job", "url": "http://u:p@s/",
        "headers": {"Authorization": "Bearer x"}})")
                                    .as_object();
    BOOST_TEST(run(c.perform()) == json::parse(R"({"of": "job-1"})"));
    int elsewhere = 0;
    for (const auto& r : client.requests) {
        http_response given;
        given.headers = r.headers;
        const bool other = r.url.find("elsewhere") != std::string::npos;
        elsewhere += other ? 1 : 0;
        BOOST_TEST(given.header("Authorization") == (other ? "" : "Bearer x"), r.url);
    }
    BOOST_TEST(elsewhere == 3);
}

BOOST_AUTO_TEST_CASE(server_is_told_without_credentials)
{
    BOOST_TEST(potoo::http_job::server_of("https://me:secret@Host.X:443/a@b?c") == "https://host.x");
    BOOST_TEST(potoo::http_job::server_of("http://h:8080?q") == "http://h:8080");
    BOOST_TEST(potoo::http_job::server_of("http://h:443/") == "http://h:443");
    BOOST_TEST(potoo::http_job::server_of("unix:/run/A:b/c.sock:/jobs?x=://") == "unix:/run/A:b/c.sock");
    BOOST_TEST(potoo::http_job::server_of("nonsense") == "nonsense");
}

BOOST_AUTO_TEST_CASE(header_of_a_wrong_type_is_refused_and_not_shown)
{
    const auto f = failure_of(with({{"submit", R"({"url": "http://s/jobs", "headers": {"Key": ["hidden"]}})"}}));
    BOOST_TEST(f.find("submit.headers.Key") != std::string::npos, f);
    BOOST_TEST(f.find("hidden") == std::string::npos, f);
}

BOOST_AUTO_TEST_CASE(body_of_a_submission_is_rendered_for_the_submission_alone)
{
    auto& c = make(with({{"submit", R"({"url": "http://s/jobs", "body": "${{ params.not_bound.x }}"})"}}));
    BOOST_CHECK_NO_THROW((void)potoo::http_job::endpoint_for(c));
    BOOST_TEST(failure_of(with({{"submit", R"({"url": "http://s/jobs", "body": "${{ params.not_bound.x }}"})"}}))
                   .starts_with("fatal bad_expression"));
}

BOOST_AUTO_TEST_CASE(page_of_a_connection_is_the_most_in_one_request)
{
    std::deque<test::runner<json::value>> all;
    const std::string text = with({{"batch", batch}});
    for (int i = 0; i < 12; ++i) {
        auto& c = make(text);
        c.connections["http_job"] = json::object{{"type", "http_job"}, {"page", 4}};
        all.emplace_back(loop, c.perform());
    }
    loop.run();
    BOOST_TEST(calls["POST query"] == 9);
}

BOOST_AUTO_TEST_CASE(waiting_job_keeps_one_small_frame_and_its_backend)
{
    looks_needed = 1'000'000;
    constexpr std::size_t count = 200;
    std::deque<test::runner<json::value>> all;
    const auto launch = [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i)
            all.emplace_back(loop, make(whole).perform());
        loop.run(20s);
    };
    launch(1);
    const std::size_t before = detail::frame_bytes_in_use();
    launch(count);
    const std::size_t each = (detail::frame_bytes_in_use() - before) / count;
    BOOST_TEST_MESSAGE("bytes of the slab for each waiting job: " << each);
#ifdef __OPTIMIZE__
    BOOST_TEST(each <= 320u);
#else
    BOOST_TEST(each <= 900u);
#endif
    for (auto& r : all)
        r.cancel(cancel_reason::shutdown);
    loop.run();
}

BOOST_AUTO_TEST_CASE(dead_service_does_not_delay_another)
{
    const auto good = client.reply;
    client.reply = [good](const http_request& r) {
        return r.url.starts_with("http://dead/jobs/")
                   ? test::scripted_http::answer(make_error_code(http_error::timed_out))
                   : good(r);
    };
    std::deque<test::runner<json::value>> stuck;
    for (int i = 0; i < 500; ++i)
        stuck.emplace_back(loop, make(with({{"status", R"({"url": "http://dead/jobs/${{ id }}"})"}})).perform());
    test::runner<json::value> quick(loop, make(whole).perform());
    loop.run(5s);
    BOOST_TEST(quick.ended());
    for (auto& r : stuck)
        r.cancel(cancel_reason::shutdown);
    loop.run();
}

BOOST_AUTO_TEST_CASE(throttled_status_is_asked_for_after_the_pause)
{
    steady_time throttled_at;
    fault = [&](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call != "GET one" || n > 1)
            return std::nullopt;
        throttled_at = loop.now();
        return test::scripted_http::json(429, "", {{"Retry-After", "20"}});
    };
    BOOST_TEST(perform(whole) == json::parse(R"({"of": "job-1"})"));
    BOOST_CHECK(loop.now() >= throttled_at + 20s);
    BOOST_TEST(contexts.back().lines.size() == 1u);
}

BOOST_AUTO_TEST_CASE(state_that_is_no_string_is_fatal_and_names_the_expression)
{
    const auto f = failure_of(with({{"state", "\"${{ job.status }}\""}}));
    BOOST_TEST(f.starts_with("fatal bad_expression"));
    BOOST_TEST(f.find("job.status") != std::string::npos);
    BOOST_TEST(f.find("null") != std::string::npos);
    BOOST_TEST(calls["DELETE one"] == 1);
}

BOOST_AUTO_TEST_CASE(answer_to_the_submission_that_is_lost_is_found_out)
{
    fault = [](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call == "POST submit" && n == 1)
            return test::scripted_http::answer(make_error_code(http_error::connection_lost));
        return std::nullopt;
    };
    BOOST_TEST(perform(whole) == json::parse(R"({"of": "job-1"})"));
    BOOST_TEST(calls["POST submit"] == 1);
    BOOST_TEST(calls["GET find"] == 1);
    BOOST_TEST(jobs.size() == 1u);
}

BOOST_AUTO_TEST_CASE(answer_that_is_lost_fails_where_nothing_can_be_found_out)
{
    fault = [](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        if (call == "POST submit")
            return test::scripted_http::answer(make_error_code(http_error::connection_lost));
        return std::nullopt;
    };
    BOOST_TEST(failure_of(with({{"find", "none"}})).starts_with("unknown_outcome"));
    BOOST_TEST(calls["POST submit"] == 1);
}

BOOST_AUTO_TEST_CASE(submission_that_is_refused_fails_by_its_status)
{
    unsigned status = 503;
    fault = [&](const std::string& call, int) -> std::optional<test::scripted_http::answer> {
        return call == "POST submit" ? std::optional(test::scripted_http::answer(test::scripted_http::json(status, "")))
                                     : std::nullopt;
    };
    BOOST_TEST(failure_of(whole).starts_with("retryable http_503"));
    status = 422;
    BOOST_TEST(failure_of(whole).starts_with("fatal http_422"));
    BOOST_TEST(jobs.empty());
    status = 504;
    BOOST_TEST(failure_of(with({{"find", "none"}})).starts_with("unknown_outcome"));
}

BOOST_AUTO_TEST_CASE(accepted_job_without_an_id_is_an_unknown_outcome)
{
    const auto f = failure_of(with({{"find", "none"}, {"id", "\"${{ response.body.number }}\""}}));
    BOOST_TEST(f.starts_with("unknown_outcome"));
    BOOST_TEST(perform(with({{"id", "\"${{ response.body.number }}\""}})) == json::parse(R"({"of": "job-2"})"));
}

BOOST_AUTO_TEST_CASE(stopped_task_cancels_its_job_and_fetches_the_log)
{
    looks_needed = 1'000'000;
    auto& c = make(whole);
    test::runner<json::value> r(loop, c.perform());
    loop.run(10s);
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(calls["DELETE one"] == 1);
    BOOST_TEST(c.standard_output == "log of job-1\n");
    BOOST_TEST(c.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(cancelling_thousands_keeps_to_the_rate_and_confirms_every_one)
{
    looks_needed = 1'000'000;
    auto limited = json::parse(whole).as_object();
    limited["limits"] = json::object{{"per_second", 20}};
    limited["poll"] = json::object{{"interval", "20s"}, {"max_interval", "20s"}};
    constexpr int count = 2'000;
    std::deque<test::runner<json::value>> all;
    for (int i = 0; i < count; ++i)
        all.emplace_back(loop, make(json::serialize(limited)).perform());
    loop.run(5min);
    BOOST_TEST_REQUIRE(calls["POST submit"] == count);

    std::vector<steady_time> cancellations;
    fault = [&](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
        if (call != "DELETE one")
            return std::nullopt;
        cancellations.push_back(loop.now());
        return n % 400 == 0 ? std::optional(test::scripted_http::json(429, "", {{"Retry-After", "3"}})) : std::nullopt;
    };
    const steady_time asked = loop.now();
    for (auto& r : all)
        r.cancel(cancel_reason::user);
    loop.run();

    // Far longer than the grace of a single one.
    BOOST_CHECK(loop.now() > asked + 100s);
    for (std::size_t i = 21; i < cancellations.size(); ++i)
        BOOST_REQUIRE(cancellations[i] - cancellations[i - 21] >= 1s);
    for (auto& r : all)
        BOOST_REQUIRE(r.ended_by() == cancel_reason::user);
    for (const auto& c : contexts)
        BOOST_REQUIRE(c.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(end_of_a_cancelled_job_is_looked_for_sooner_than_the_grace_ends)
{
    looks_needed = 1'000'000;
    auto& c = make(with({{"poll", R"({"interval": "2m", "max_interval": "10m"})"}}));
    test::runner<json::value> r(loop, c.perform());
    loop.run(10s);
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(c.unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(error_of_the_service_that_leaves_the_launch_in_doubt_is_found_out)
{
    for (const unsigned status : {500U, 502U, 504U, 524U, 408U}) {
        jobs.clear();
        calls.clear();
        fault = [status](const std::string& call, int n) -> std::optional<test::scripted_http::answer> {
            return call == "POST submit" && n == 1 ? std::optional(test::scripted_http::json(status, ""))
                                                   : std::nullopt;
        };
        perform(whole);
        BOOST_TEST(calls["GET find"] >= 2);
        BOOST_TEST(calls["POST submit"] == 2);
    }
}

BOOST_AUTO_TEST_CASE(tasks_that_are_stopped_in_a_long_line_submit_nothing)
{
    client.latency = 1'000ms;
    std::deque<test::runner<json::value>> all;
    for (int i = 0; i < 200; ++i)
        all.emplace_back(loop, make(whole).perform());
    loop.run(1'500ms);
    for (auto& r : all)
        r.cancel(cancel_reason::shutdown);
    loop.run();
    for (auto& r : all)
        BOOST_CHECK(r.ended_by() == cancel_reason::shutdown);
    BOOST_TEST(calls["POST submit"] == 128);
}

BOOST_AUTO_TEST_CASE(stopped_task_that_cannot_cancel_says_so)
{
    looks_needed = 1'000'000;
    auto& c = make(with({{"cancel", "none"}}));
    test::runner<json::value> r(loop, c.perform());
    loop.run(10s);
    r.cancel(cancel_reason::user);
    loop.run();
    BOOST_CHECK(r.ended_by() == cancel_reason::user);
    BOOST_TEST(c.unconfirmed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(number_as_id_is_taken_as_text)
{
    client.reply = [](const http_request& r) {
        if (r.method == "POST")
            return test::scripted_http::json(200, R"({"id": 17})");
        BOOST_TEST(r.url == "http://s/jobs/17");
        return test::scripted_http::json(200, R"({"state": "SUCCEEDED", "result": 5})");
    };
    BOOST_TEST(perform(with({{"logs", "none"}})) == json::value(5));
}

BOOST_AUTO_TEST_CASE(bad_descriptions_are_refused_before_anything_is_sent)
{
    BOOST_TEST(failure_of(with({{"status", "none"}})).starts_with("fatal"));
    BOOST_TEST(failure_of(with({{"failure", R"(["SUCCEEDED"])"}})).starts_with("fatal"));
    BOOST_TEST(failure_of(with({{"poll", R"({"interval": "fast"})"}})).starts_with("fatal"));
    BOOST_CHECK_THROW(make(with({{"success", R"("SUCCEEDED")"}})), std::invalid_argument);
    BOOST_CHECK_THROW(make(with({{"poll", R"({"every": "1s"})"}})), std::invalid_argument);
    BOOST_TEST(client.requests.empty());
}

BOOST_AUTO_TEST_SUITE_END()
