#include "engine/server/api/route.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/server/api/schemas.hpp"
#include "tests/unit/server/api_operators.hpp"
#include "tests/unit/server/api_trial.hpp"

#include <potoo/concurrency.hpp>
#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;

namespace {

POTOO_OPERATOR("api_say", potoo::server::test::say, {.summary = "Says something."})
POTOO_OPERATOR("api_wait", wait_long, {.summary = "Waits."})
POTOO_OPERATOR("api_fail", fail, {.summary = "Fails."})
POTOO_OPERATOR("api_fail_second", fail_second, {.summary = "Fails for 2."})
POTOO_OPERATOR("api_ask", ask_outside, {.summary = "Asks outside."})

constexpr const char* greeting = R"(name: greeting
params: {whom: {type: string, default: world}}
tasks:
  hello: {operator: api_say, with: {text: "hello ${{ params.whom }}"}}
  again: {operator: api_say, depends_on: [hello], foreach: [1, 2, 3], with: {text: "no. ${{ item }}"}}
)";
constexpr const char* waiting =
    "name: waiting\ntasks: {wait: {operator: api_wait}, then: {operator: api_say, depends_on: [wait]}}";
constexpr const char* crowded =
    "name: crowded\npools: {p: 1}\ntasks: {wait: {operator: api_wait, pool: p, foreach: [1, 2]}}";
constexpr const char* failing = "name: failing\ntasks: {break: {operator: api_fail}}";
constexpr const char* daily = "name: daily\nschedule: \"0 2 * * *\"\ntasks: {a: {operator: api_wait}}";
constexpr const char* approving = "name: approving\ntasks: {ask: {operator: approval, with: {message: \"May I?\"}}}";
constexpr const char* asking = "name: asking\ntasks: {ask: {operator: api_ask}}";

/// What an operation of the table has given must be as the table says.
void check_reply(const route& r, const web::reply& reply)
{
    BOOST_TEST_INFO_SCOPE(r.method << ' ' << r.path << " gave " << reply.status << ' ' << reply.body.substr(0, 500));
    if (reply.status == 304)
        return;
    const bool declared =
        std::any_of(r.answers.begin(), r.answers.end(), [&](const answer& a) { return a.status == reply.status; });
    if (reply.status >= 400 && !declared) {
        BOOST_TEST(*field_of(reply, "Content-Type") == "application/problem+json");
        BOOST_TEST(schema_named("problem").check(json_of(reply)).empty());
        return;
    }
    const std::string media = field_of(reply, "Content-Type") ? *field_of(reply, "Content-Type") : std::string();
    for (const answer& a : r.answers) {
        if (a.status != reply.status || (!media.empty() && !media.starts_with(a.media.substr(0, a.media.find(';')))))
            continue;
        if (a.schema.empty() || reply.stream || reply.talk)
            return;
        for (const auto& p : schema_named(a.schema).check(json_of(reply)))
            BOOST_ERROR(graph::format_path("", p.path) << ": " << p.message);
        return;
    }
    BOOST_ERROR("the table does not declare this answer: " << media);
}

/// Whoever asks does so until a run is in the journal.
task<bool> leave_when_recorded(journal::reader& journal)
{
    while (journal.runs({}).empty())
        co_await yield_now();
    co_return true;
}

struct checked_trial : api_trial
{
    /// Asks, and checks the reply against the route's declaration.
    web::reply call(std::string method, const std::string& target, const sent& s = {})
    {
        const web::request r = request_for(method, target, s);
        const route_match m = match(r.method, r.segments);
        BOOST_TEST_REQUIRE(m.found, method << ' ' << target);
        web::reply reply = ask(std::move(method), target, s);
        check_reply(*m.found, reply);
        if (reply.status < 400)
            answered.insert(m.found->operation);
        return reply;
    }

    web::reply post(const std::string& target, std::string body, std::string token = {})
    {
        sent s;
        s.body = std::move(body);
        s.token = std::move(token);
        return call("POST", target, s);
    }

    json::value get(const std::string& target)
    {
        const auto reply = call("GET", target);
        BOOST_TEST(reply.status == 200u, target << " gave " << reply.status << ' ' << reply.body);
        return json_of(reply);
    }

    /// Begins a run of a DAG. @return its id
    std::string begin(const std::string& dag, std::string body = "{}", std::string token = {})
    {
        const auto reply = post("/api/v1/dags/" + dag + "/runs", std::move(body), std::move(token));
        BOOST_TEST_REQUIRE(reply.status == 201u, reply.body);
        return std::string(json_of(reply).at("run").as_string());
    }

    static void expect(unsigned status, const web::reply& r)
    {
        BOOST_TEST(r.status == status, "got " << r.status << ' ' << r.body);
    }

    std::string finished(const std::string& dag, std::string body = "{}")
    {
        const std::string id = begin(dag, std::move(body));
        end_of(id);
        return id;
    }

    /// A stream of text.
    sent accepting(std::string media)
    {
        sent s;
        s.fields = {{"accept", std::move(media)}};
        return s;
    }

    std::set<std::string_view> answered;
};

sent with_token(std::string token)
{
    sent s;
    s.token = std::move(token);
    return s;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(operations_of_the_api, checked_trial)

BOOST_AUTO_TEST_CASE(dags_are_shown_with_what_is_wrong_with_them)
{
    put_dag("greeting.yaml", greeting);
    put_dag("broken.yaml", "tasks: {a: {operator: nosuch}}");
    const auto list = get("/api/v1/dags");
    BOOST_TEST_REQUIRE(list.at("items").as_array().size() == 2u);
    BOOST_TEST(list.at("items").at(0).at("problems").is_string());
    const auto dag = get("/api/v1/dags/greeting");
    BOOST_TEST(dag.at("tasks").as_array().size() == 2u);
    BOOST_TEST(dag.at("tasks").at(1).at("foreach").as_bool());
    BOOST_TEST(call("GET", "/api/v1/dags/greeting/source").body == greeting);
    BOOST_TEST(call("GET", "/api/v1/dags/broken/source").status == 409u);
    BOOST_TEST(post("/api/v1/dags/broken/runs", "{}").status == 409u);
    const auto unknown = call("GET", "/api/v1/dags/greetin");
    BOOST_TEST(unknown.status == 404u);
    BOOST_TEST(unknown.body.find("did you mean greeting?") != std::string::npos);
    BOOST_TEST(json_of(post("/api/v1/dags/greeting/pause", "")).at("paused").as_bool());
    BOOST_TEST(!json_of(post("/api/v1/dags/greeting/resume", "")).at("paused").as_bool());
    const auto first = get("/api/v1/dags?limit=1");
    const auto second = get("/api/v1/dags?limit=1&cursor=" + std::string(first.at("next").as_string()));
    BOOST_TEST(second.at("items").at(0).at("name").as_string() == "greeting");
    BOOST_TEST(second.at("next").is_null());
}

BOOST_AUTO_TEST_CASE(run_is_begun_and_looked_at)
{
    put_dag("greeting.yaml", greeting);
    const auto made = post("/api/v1/dags/greeting/runs", R"({"params":{"whom":"you"},"name":"first"})");
    BOOST_TEST_REQUIRE(made.status == 201u);
    const std::string id(json_of(made).at("run").as_string());
    BOOST_TEST(*field_of(made, "Location") == "/api/v1/runs/" + id);
    end_of(id);
    const auto run = get("/api/v1/runs/" + id);
    BOOST_TEST(run.at("state").as_string() == "success");
    BOOST_TEST(run.at("origin").at("by").as_string() == "api");
    BOOST_TEST(run.at("origin").at("name").as_string() == "first");
    BOOST_TEST(run.at("tasks").at("success").as_int64() == 2);
    const auto tasks = get("/api/v1/runs/" + id + "/tasks");
    BOOST_TEST(tasks.at("items").at(0).at("output").as_string() == "hello you");
    BOOST_TEST(get("/api/v1/runs/" + id + "/tasks/hello").at("state").as_string() == "success");
    const auto items = get("/api/v1/runs/" + id + "/tasks/again/items?limit=2");
    BOOST_TEST(items.at("items").as_array().size() == 2u);
    const auto rest =
        get("/api/v1/runs/" + id + "/tasks/again/items?limit=2&cursor=" + std::string(items.at("next").as_string()));
    BOOST_TEST(rest.at("items").at(0).at("item").as_int64() == 2);
    BOOST_TEST(rest.at("next").is_null());
    BOOST_TEST(get("/api/v1/runs/" + id + "/tasks/again/items/1/attempts").at("items").as_array().size() == 1u);
    BOOST_TEST(get("/api/v1/runs/" + id + "/tasks/hello/why").at("reasons").at(0).at("code").as_string() == "ended");
    BOOST_TEST(get("/api/v1/runs/" + id + "/tasks/hello/input").at("input").at("with").at("text").as_string() ==
               "hello you");
    BOOST_TEST(call("GET", "/api/v1/runs/" + id + "/tasks/hello/input?attempt=9").status == 404u);
    BOOST_TEST(call("GET", "/api/v1/runs/" + id + "/tasks/helo").status == 404u);
    BOOST_TEST(call("GET", "/api/v1/runs/" + id + "/tasks/again/items/x/attempts").status == 404u);
    BOOST_TEST(call("GET", "/api/v1/runs/" + id.substr(0, 5)).status == 404u);
}

BOOST_AUTO_TEST_CASE(wrong_parameters_are_named)
{
    put_dag("greeting.yaml", greeting);
    const auto wrong = post("/api/v1/dags/greeting/runs", R"({"params":{"whom":3,"hwom":"x"}})");
    BOOST_TEST(wrong.status == 422u);
    BOOST_TEST(json_of(wrong).at("errors").as_array().size() == 2u);
    BOOST_TEST(wrong.body.find("/params/hwom") != std::string::npos);
    const auto odd = post("/api/v1/dags/greeting/runs", R"({"parms":{}})");
    BOOST_TEST(odd.status == 422u);
    BOOST_TEST(odd.body.find("params") != std::string::npos);
    BOOST_TEST(get("/api/v1/runs").at("items").as_array().empty());
}

BOOST_AUTO_TEST_CASE(same_key_gives_the_same_run)
{
    put_dag("greeting.yaml", greeting);
    const std::string path = "/api/v1/dags/greeting/runs";
    const auto first = post(path, R"({"id":"k1"})");
    const auto second = post(path, R"({"id":"k1"})");
    BOOST_TEST(first.status == 201u);
    BOOST_TEST(second.status == 200u);
    BOOST_TEST((json_of(first).at("run") == json_of(second).at("run")));
    BOOST_TEST(post(path, R"({"id":"k1","params":{"whom":"x"}})").status == 422u);
    sent keyed;
    keyed.fields = {{"idempotency-key", "\"k2\""}};
    BOOST_TEST(call("POST", path, keyed).status == 201u);
    BOOST_TEST(call("POST", path, keyed).status == 200u);
    keyed.body = R"({"id":"k3"})";
    BOOST_TEST(call("POST", path, keyed).status == 400u);
    BOOST_TEST(get("/api/v1/runs?key=k1").at("items").as_array().size() == 1u);
    BOOST_TEST(get("/api/v1/runs").at("items").as_array().size() == 2u);
}

BOOST_AUTO_TEST_CASE(key_that_cannot_be_recorded_is_refused)
{
    put_dag("greeting.yaml", greeting);
    for (const char* key : {"k\xff", "\xc3", "a\x01", "a\x7f"}) {
        sent s;
        s.fields = {{"idempotency-key", key}};
        BOOST_TEST(call("POST", "/api/v1/dags/greeting/runs", s).status == 400u);
    }
    sent s;
    s.fields = {{"idempotency-key", "\xc3\xa4 1"}};
    BOOST_TEST(call("POST", "/api/v1/dags/greeting/runs", s).status == 201u);
    BOOST_TEST(get("/api/v1/runs").at("items").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(key_is_kept_when_whoever_asked_has_left_meanwhile)
{
    put_dag("waiting.yaml", waiting);
    const std::string path = "/api/v1/dags/waiting/runs";
    sent s;
    s.body = R"({"id":"k1"})";
    finish(any(answer_to(request_for("POST", path, s)), leave_when_recorded(journal())));
    BOOST_TEST(post(path, s.body).status == 200u);
    BOOST_TEST(get("/api/v1/runs").at("items").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(key_is_forgotten_with_its_run)
{
    put_dag("greeting.yaml", greeting);
    const std::string first = finished("greeting", R"({"id":"k1"})");
    const wall_time later = engine().loop().wall_now() + std::chrono::hours(2);
    BOOST_TEST(finish(forget_run_keys(services(), later)) == 0u);
    expect(204, call("DELETE", "/api/v1/runs/" + first));
    BOOST_TEST(finish(forget_run_keys(services(), engine().loop().wall_now())) == 0u);
    BOOST_TEST(finish(forget_run_keys(services(), later)) == 1u);
    BOOST_TEST(begin("greeting", R"({"id":"k1"})") != first);
}

BOOST_AUTO_TEST_CASE(requests_with_one_key_at_once_begin_one_run)
{
    put_dag("greeting.yaml", greeting);
    constexpr int many = 20;
    std::set<std::string> runs;
    int created = 0;
    int ended = 0;
    sent s;
    s.body = R"({"id":"race"})";
    for (int i = 0; i < many; ++i)
        async_run(engine().loop(), "request", answer_to(request_for("POST", "/api/v1/dags/greeting/runs", s)),
                  [&](const std::exception_ptr& e, const std::optional<web::reply>& r) {
                      BOOST_TEST_REQUIRE(!e);
                      created += r->status == 201 ? 1 : 0;
                      runs.emplace(json_of(*r).at("run").as_string());
                      ++ended;
                  });
    run_until([&] { return ended == many; });
    BOOST_TEST(created == 1);
    BOOST_TEST(runs.size() == 1u);
    BOOST_TEST(get("/api/v1/runs").at("items").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(lists_of_runs_are_filtered_and_paged)
{
    put_dag("greeting.yaml", greeting);
    put_dag("failing.yaml", failing);
    std::vector<std::string> ids;
    for (int i = 0; i < 3; ++i)
        ids.push_back(finished("greeting"));
    const std::string bad = finished("failing");
    const auto first = get("/api/v1/runs?limit=3");
    BOOST_TEST(first.at("items").at(0).at("run").as_string() == bad);
    const auto second = get("/api/v1/runs?limit=3&cursor=" + std::string(first.at("next").as_string()));
    BOOST_TEST(second.at("items").as_array().size() == 1u);
    BOOST_TEST(second.at("items").at(0).at("run").as_string() == ids.front());
    BOOST_TEST(get("/api/v1/runs?dag=greeting").at("items").as_array().size() == 3u);
    BOOST_TEST(get("/api/v1/runs?state=failed").at("items").as_array().size() == 1u);
    BOOST_TEST(get("/api/v1/runs?unfinished=true").at("items").as_array().empty());
    BOOST_TEST(get("/api/v1/runs?by=schedule").at("items").as_array().empty());
    BOOST_TEST(get("/api/v1/runs?until=2020-01-01T00:00:00Z").at("items").as_array().empty());
    BOOST_TEST(get("/api/v1/runs?id=" + bad.substr(0, 8)).at("items").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(run_is_paused_resumed_cancelled_and_removed)
{
    put_dag("waiting.yaml", waiting);
    const std::string id = begin("waiting");
    const std::string run = "/api/v1/runs/" + id;
    BOOST_TEST(get(run + "/tasks/then/why").at("reasons").at(0).at("code").as_string() == "upstream");
    BOOST_TEST(call("GET", run + "/tasks/then/why?item=7").status == 404u);
    BOOST_TEST(call("DELETE", run).status >= 409u);
    BOOST_TEST(post(run + "/pause", "").status == 202u);
    BOOST_TEST(post(run + "/pause", "").status == 200u);
    BOOST_TEST(post(run + "/resume", "").status == 202u);
    BOOST_TEST(post(run + "/cancel", R"({"tasks":["wiat"]})").status == 422u);
    BOOST_TEST(post(run + "/cancel", "{}").status == 202u);
    end_of(id);
    BOOST_TEST(get(run).at("state").as_string() == "cancelled");
    BOOST_TEST(post(run + "/cancel", "{}").status == 409u);
    BOOST_TEST(call("DELETE", run).status == 204u);
    BOOST_TEST(call("GET", run).status == 404u);
}

BOOST_AUTO_TEST_CASE(run_that_was_looked_at_before_is_shown_as_it_is_now)
{
    put_dag("waiting.yaml", waiting);
    const std::string id = begin("waiting");
    const std::string run = "/api/v1/runs/" + id;
    const auto first = get(run);
    BOOST_TEST(first.at("tasks").as_object().contains("pending"));
    BOOST_TEST(get(run) == first);
    BOOST_TEST(post(run + "/cancel", "{}").status == 202u);
    end_of(id);
    const auto last = get(run);
    BOOST_TEST(last.at("state").as_string() == "cancelled");
    BOOST_TEST(!last.at("tasks").as_object().contains("pending"));
}

BOOST_AUTO_TEST_CASE(run_that_failed_is_retried)
{
    put_dag("failing.yaml", failing);
    const std::string id = finished("failing");
    const std::string run = "/api/v1/runs/" + id;
    BOOST_TEST(post(run + "/retry", R"({"tasks":["brake"]})").status == 422u);
    BOOST_TEST(post(run + "/retry", R"({"failed_only":true})").status == 202u);
    run_until([&] { return journal().tasks(journal::run_number(1)).front().attempts == 2; });
    end_of(id);
    BOOST_TEST(get(run + "/tasks/break/items/0/attempts").at("items").as_array().size() == 2u);
}

BOOST_AUTO_TEST_CASE(two_runs_are_compared)
{
    put_dag("greeting.yaml", greeting);
    const std::string before = finished("greeting");
    put_dag("greeting.yaml", std::string(greeting) + "  last: {operator: api_say, depends_on: [again]}\n");
    const std::string after = finished("greeting", R"({"params":{"whom":"you"}})");
    const auto d = get("/api/v1/runs/" + before + "/diff/" + after);
    BOOST_TEST(d.at("params").at("whom").at("after").as_string() == "you");
    BOOST_TEST(d.at("dag").as_object().contains("hash"));
    BOOST_TEST(d.at("tasks").at("last").at("definition").at("before").is_null());
    BOOST_TEST(d.at("tasks").at("hello").at("output").at("before").as_string() == "hello world");
    BOOST_TEST(call("GET", "/api/v1/runs/" + before + "/diff/nosuch").status == 404u);
}

BOOST_AUTO_TEST_CASE(logs_are_read_in_three_ways)
{
    put_dag("greeting.yaml", greeting);
    const std::string id = finished("greeting");
    const std::string logs = "/api/v1/runs/" + id + "/logs";
    const std::string text = stream(call("GET", logs));
    BOOST_TEST(text.starts_with("==> hello item 0 attempt 1 <==\nhello world\n"));
    BOOST_TEST(stream(call("GET", logs + "?task=hello&item=0&attempt=1")) == "hello world\n");
    const std::string lines = stream(call("GET", logs + "?task=hello", accepting("application/x-ndjson")));
    BOOST_TEST(json::parse(lines).at("text").as_string() == "hello world\n");
    const auto page = json_of(call("GET", logs + "?limit=1", accepting("application/json")));
    BOOST_TEST(page.at("more").as_bool());
    const auto rest = json_of(call("GET", logs + "?after=" + std::to_string(page.at("last").to_number<int>()),
                                   accepting("application/json")));
    BOOST_TEST(rest.at("items").as_array().size() == 3u);
    BOOST_TEST(!rest.at("more").as_bool());
    BOOST_TEST(call("GET", logs + "?item=1").status == 400u);
    BOOST_TEST(call("GET", logs + "?task=helo").status == 400u);
    BOOST_TEST(stream(call("GET", logs + "?follow=true&task=hello&item=0&attempt=1")) == "hello world\n");
}

BOOST_AUTO_TEST_CASE(events_come_as_server_sent_events)
{
    put_dag("greeting.yaml", greeting);
    const std::string id = finished("greeting");
    const auto reply = call("GET", "/api/v1/events?since=0&run=" + id, accepting("text/event-stream"));
    BOOST_TEST_REQUIRE(reply.status == 200u);
    const std::string text = stream(reply, "run_ended");
    BOOST_TEST(text.find("id: ") != std::string::npos);
    BOOST_TEST(text.find("data: {") != std::string::npos);
    BOOST_TEST(text.find("attempt_ended") != std::string::npos);
    const auto begin = text.find("data: ") + 6;
    const json::value message = json::parse(text.substr(begin, text.find('\n', begin) - begin));
    BOOST_TEST(schema_named("event_message").check(message).empty());
    BOOST_TEST(call("GET", "/api/v1/events").status == 406u);
    BOOST_TEST(call("GET", "/api/v1/events?since=x", accepting("text/event-stream")).status == 400u);
    BOOST_TEST(call("GET", "/api/v1/events?since=999999999", accepting("text/event-stream")).status == 400u);
    BOOST_TEST(call("GET", "/api/v1/events?type=odd", accepting("text/event-stream")).status == 400u);
    BOOST_TEST(call("GET", "/api/v1/events?state=odd", accepting("text/event-stream")).status == 400u);
}

BOOST_AUTO_TEST_CASE(users_see_and_change_their_own_runs_only)
{
    const std::string admin = make_token("root", role::admin);
    const std::string ann = make_token("ann", role::user);
    const std::string ben = make_token("ben", role::user);
    const std::string eve = make_token("eve", role::viewer);
    put_dag("waiting.yaml", waiting);
    const std::string id = begin("waiting", "{}", ann);
    const std::string run = "/api/v1/runs/" + id;
    run_until([&] { return journal().tasks(journal::run_number(1)).front().attempts == 1; });
    for (const char* below : {"", "/tasks", "/tasks/wait", "/tasks/wait/items", "/tasks/wait/items/0/attempts",
                              "/tasks/wait/why", "/tasks/wait/input", "/logs"}) {
        BOOST_TEST(call("GET", run + below, with_token(ben)).status == 404u, below);
        BOOST_TEST(call("GET", run + below, with_token(ann)).status == 200u, below);
        BOOST_TEST(call("GET", run + below, with_token(eve)).status == 200u, below);
        BOOST_TEST(call("GET", run + below, with_token(admin)).status == 200u, below);
    }
    for (const char* verb : {"/cancel", "/pause", "/resume", "/retry"})
        BOOST_TEST(call("POST", run + verb, with_token(ben)).status == 404u, verb);
    BOOST_TEST(call("DELETE", run, with_token(ben)).status == 404u);
    BOOST_TEST(call("GET", run + "/diff/" + id, with_token(ben)).status == 404u);
    const auto items_for = [&](const std::string& token) {
        return json_of(call("GET", "/api/v1/runs", with_token(token))).at("items").as_array().size();
    };
    BOOST_TEST(items_for(ann) == 1u);
    BOOST_TEST(items_for(ben) == 0u);
    BOOST_TEST(items_for(eve) == 1u);
    sent s = accepting("text/event-stream");
    s.token = ben;
    BOOST_TEST(call("GET", "/api/v1/events?run=" + id, s).status == 404u);
    BOOST_TEST(call("POST", run + "/cancel", with_token(ann)).status == 202u);
    end_of(id);
}

BOOST_AUTO_TEST_CASE(why_does_not_name_the_runs_of_others)
{
    const std::string ann = make_token("ann", role::user);
    const std::string ben = make_token("ben", role::user);
    const std::string eve = make_token("eve", role::viewer);
    put_dag("crowded.yaml", crowded);
    const std::string of_ann = begin("crowded", "{}", ann);
    run_until([&] { return journal().tasks(journal::run_number(1)).front().attempts == 1; });
    const std::string of_ben = begin("crowded", "{}", ben);
    const auto why = [&](const std::string& run, const std::string& token) {
        return call("GET", "/api/v1/runs/" + run + "/tasks/wait/why?item=1", with_token(token)).body;
    };
    run_until([&] { return why(of_ben, ben).find("pool_full") != std::string::npos; });
    BOOST_TEST(why(of_ben, ben).find(of_ann) == std::string::npos);
    BOOST_TEST(why(of_ben, ben).find("1 of 1 are taken") != std::string::npos);
    BOOST_TEST(why(of_ben, eve).find("taken; run " + of_ann + " has 1") != std::string::npos);
    BOOST_TEST(why(of_ann, ann).find("taken; run " + of_ann + " has 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(why_of_a_task_with_items_counts_them_by_state_with_one_of_each)
{
    const std::string ann = make_token("ann", role::user);
    const std::string ben = make_token("ben", role::user);
    put_dag("crowded.yaml", crowded);
    const std::string of_ann = begin("crowded", "{}", ann);
    run_until([&] { return journal().tasks(journal::run_number(1)).front().attempts == 1; });
    const auto why = [&](const std::string& run, const std::string& token) {
        return json_of(call("GET", "/api/v1/runs/" + run + "/tasks/wait/why", with_token(token)));
    };
    run_until([&] { return json::serialize(why(of_ann, ann)).find("pool_full") != std::string::npos; });
    const json::value of_all = why(of_ann, ann);
    BOOST_TEST(of_all.at("item").is_null());
    BOOST_TEST_REQUIRE(of_all.at("items").as_array().size() == 2u);
    const json::value& queued = of_all.at("items").at(0);
    BOOST_TEST(queued.at("state").as_string() == "queued");
    BOOST_TEST(queued.at("count").as_int64() == 1);
    BOOST_TEST(queued.at("example").as_int64() == 1);
    BOOST_TEST(queued.at("reason").at("code").as_string() == "pool_full");
    BOOST_TEST(std::string(queued.at("reason").at("text").as_string()).find("run " + of_ann) != std::string::npos);
    BOOST_TEST(of_all.at("items").at(1).at("example").as_int64() == 0);
    const std::string of_ben = begin("crowded", "{}", ben);
    run_until([&] { return json::serialize(why(of_ben, ben)).find("pool_full") != std::string::npos; });
    BOOST_TEST(json::serialize(why(of_ben, ben)).find(of_ann) == std::string::npos);
    const std::string target = "/api/v1/runs/" + of_ann + "/tasks/wait/why?item=1";
    BOOST_TEST(json_of(call("GET", target, with_token(ann))).at("items").as_array().empty());
}

BOOST_AUTO_TEST_CASE(why_of_a_task_that_has_ended_tells_how_its_items_did)
{
    put_dag("mixed.yaml",
            "name: mixed\ntasks: {odd: {operator: api_fail_second, foreach: [1, 2, 3], with: {n: \"${{ item }}\"}}}");
    const std::string id = finished("mixed");
    const std::string target = "/api/v1/runs/" + id + "/tasks/odd/why";
    const json::value all = get(target);
    BOOST_TEST(all.at("state").as_string() == "failed");
    BOOST_TEST_REQUIRE(all.at("items").as_array().size() == 2u);
    BOOST_TEST(all.at("items").at(0).at("state").as_string() == "success");
    BOOST_TEST(all.at("items").at(0).at("count").as_int64() == 2);
    const json::value& failed = all.at("items").at(1);
    BOOST_TEST(failed.at("example").as_int64() == 1);
    BOOST_TEST(failed.at("reason").at("code").as_string() == "ended");
    BOOST_TEST(failed.at("reason").at("details").at("error").at("message").as_string() == "the second never works");
    BOOST_TEST(get(target + "?item=0").at("state").as_string() == "success");
    BOOST_TEST(get(target + "?item=1").at("state").as_string() == "failed");
}

BOOST_AUTO_TEST_CASE(lists_of_tasks_are_bounded)
{
    put_dag("waiting.yaml", waiting);
    const std::string run = "/api/v1/runs/" + begin("waiting");
    json::array many;
    for (int i = 0; i < 10'001; ++i)
        many.emplace_back(json::string("t" + std::to_string(i)));
    for (const char* verb : {"/cancel", "/retry"}) {
        expect(422, post(run + verb, json::serialize(json::object{{"tasks", many}})));
        BOOST_TEST(post(run + verb, json::serialize(json::object{{"tasks", many}})).body.find("10000") !=
                   std::string::npos);
        const auto twice = post(run + verb, R"({"tasks":["wait","wait"]})");
        BOOST_TEST(twice.body.find("twice") != std::string::npos);
    }
    expect(202, post(run + "/cancel", R"({"tasks":["wait","then"]})"));
}

BOOST_AUTO_TEST_CASE(keys_are_refused_where_they_are_not_taken)
{
    sent s;
    s.fields = {{"idempotency-key", "k"}};
    for (const auto& [path, body] :
         {std::pair("tasks", R"({"operator":"api_wait"})"), std::pair("tokens", R"({"name":"root","role":"admin"})"),
          std::pair("replays", R"({"dag":"d","from":"2026-01-01T00:00:00Z",
                                                              "to":"2026-01-02T00:00:00Z"})")}) {
        s.body = body;
        const auto reply = call("POST", std::string("/api/v1/") + path, s);
        expect(400, reply);
        BOOST_TEST(reply.body.find("Idempotency-Key") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(events_of_others_are_not_told_to_users)
{
    const std::string ann = make_token("ann", role::user);
    const std::string ben = make_token("ben", role::user);
    put_dag("greeting.yaml", greeting);
    const std::string of_ann = begin("greeting", "{}", ann);
    end_of(of_ann);
    const std::string of_ben = begin("greeting", "{}", ben);
    end_of(of_ben);
    sent s = accepting("text/event-stream");
    s.token = ben;
    const std::string text = stream(call("GET", "/api/v1/events?since=0", s), "run_ended");
    BOOST_TEST(text.find(of_ben) != std::string::npos);
    BOOST_TEST(text.find(of_ann) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(pools_are_listed_and_resized)
{
    BOOST_TEST(get("/api/v1/pools").at("items").as_array().empty());
    sent s;
    s.body = R"({"slots":7})";
    const auto resized = call("PUT", "/api/v1/pools/gpu", s);
    BOOST_TEST(resized.status == 200u);
    BOOST_TEST(json_of(resized).at("slots").as_int64() == 7);
    BOOST_TEST(get("/api/v1/pools").at("items").as_array().size() == 1u);
    for (const char* body : {R"({"slots":-1})", R"({"slots":0})", R"({"slots":"7"})", R"({"slots":1e9})"}) {
        s.body = body;
        BOOST_TEST(call("PUT", "/api/v1/pools/gpu", s).status == 422u, body);
    }
    s.body = R"({"slots":7})";
    for (const std::string& name : {std::string(129, 'p'), std::string("1p"), std::string("a.b"), std::string("a b")})
        expect(422, call("PUT", "/api/v1/pools/" + name, s));
    BOOST_TEST(get("/api/v1/pools").at("items").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(pools_are_reset_to_what_is_declared)
{
    const std::string pool = "/api/v1/pools/p";
    const auto none = call("DELETE", pool);
    expect(404, none);
    BOOST_TEST(none.body.find("urn:potoo:problem:pool-not-resized") != std::string::npos, none.body);
    expect(422, call("DELETE", "/api/v1/pools/a.b"));
    put_dag("crowded.yaml", crowded);
    const std::string run = begin("crowded");
    run_until([&] { return !get("/api/v1/pools").at("items").as_array().empty(); });
    expect(404, call("DELETE", pool));
    sent s;
    s.body = R"({"slots":7})";
    BOOST_TEST(json_of(call("PUT", pool, s)).at("resized").as_bool());
    const auto reset = call("DELETE", pool);
    BOOST_TEST(json_of(reset).at("slots").as_int64() == 1);
    BOOST_TEST(json_of(reset).at("declared").as_int64() == 1);
    BOOST_TEST(!json_of(reset).at("resized").as_bool());
    expect(404, call("DELETE", pool));
    expect(200, call("PUT", "/api/v1/pools/unused", s));
    BOOST_TEST(json_of(call("DELETE", "/api/v1/pools/unused")).at("slots").as_int64() == 0);
    BOOST_TEST(get("/api/v1/pools").at("items").as_array().size() == 1u);
    const auto audit = get("/api/v1/audit").at("items").as_array();
    const auto resets = std::count_if(audit.begin(), audit.end(), [](const json::value& e) {
        return json::serialize(e).find("reset_pool") != std::string::npos;
    });
    BOOST_TEST(resets == 6);
    post("/api/v1/runs/" + run + "/cancel", "");
    end_of(run);
}

BOOST_AUTO_TEST_CASE(operators_are_described)
{
    BOOST_TEST(!get("/api/v1/operators").at("items").as_array().empty());
    BOOST_TEST(get("/api/v1/operators/api_say").at("summary").as_string() == "Says something.");
    BOOST_TEST(call("GET", "/api/v1/operators/api_sya").body.find("did you mean api_say?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(callback_is_delivered_once_by_whoever_has_its_token)
{
    put_dag("asking.yaml", asking);
    last_token().clear();
    const std::string id = begin("asking");
    run_until([] { return !last_token().empty(); });
    const std::string admin = make_token("root", role::admin);
    const std::string path = "/api/v1/callbacks/" + last_token();
    expect(404, post("/api/v1/callbacks/nosuch", R"({"state":"success"})"));
    expect(422, post(path, R"({"state":"odd"})"));
    expect(200, post(path, R"({"state":"running","progress":0.5})"));
    expect(200, post(path, R"({"state":"success","output":{"ok":true}})"));
    expect(200, post(path, R"({"state":"success","output":{"ok":true}})"));
    end_of(id);
    expect(409, post(path, R"({"state":"success","output":{"ok":false}})"));
    const auto entries = json_of(call("GET", "/api/v1/audit", with_token(admin))).at("items").as_array();
    std::size_t deliveries = 0;
    for (const json::value& e : entries) {
        if (e.at("action").as_string() != "complete_callback")
            continue;
        ++deliveries;
        BOOST_TEST(e.at("target").as_string() == "/api/v1/runs/" + id);
    }
    BOOST_TEST(deliveries == 2u); // not the sign of life
}

BOOST_AUTO_TEST_CASE(ad_hoc_tasks_are_submitted_shared_and_cancelled)
{
    const auto first = post("/api/v1/tasks", R"({"operator":"api_wait","key":"k","name":"long"})");
    BOOST_TEST_REQUIRE(first.status == 201u, first.body);
    const std::string id(json_of(first).at("id").as_string());
    BOOST_TEST(post("/api/v1/tasks", R"({"operator":"api_wait","key":"k","name":"long"})").status == 200u);
    BOOST_TEST(get("/api/v1/tasks?active=true").at("items").as_array().size() == 1u);
    BOOST_TEST(get("/api/v1/tasks/" + id).at("name").as_string() == "long");
    BOOST_TEST(call("GET", "/api/v1/tasks/nosuch").status == 404u);
    BOOST_TEST(call("GET", "/api/v1/tasks?cursor=x").status == 400u);
    BOOST_TEST(post("/api/v1/tasks", R"({"operator":"api_wiat"})").status == 422u);
    BOOST_TEST(post("/api/v1/tasks", R"({"oprator":"api_wait"})").status == 422u);
    const auto cancelled = post("/api/v1/tasks/" + id + "/cancel", "{}");
    BOOST_TEST(cancelled.status == 202u, cancelled.body);
    end_of(id);
}

BOOST_AUTO_TEST_CASE(users_submit_no_task_that_acts_on_the_servers_machine)
{
    const std::string admin = make_token("root", role::admin);
    const std::string ann = make_token("ann", role::user);
    const std::string wish = R"({"operator":"shell","with":{"command":"true"}})";
    expect(403, post("/api/v1/tasks", wish, ann));
    BOOST_TEST(journal().runs({}).empty());
    const auto made = post("/api/v1/tasks", wish, admin);
    expect(201, made);
    end_of(std::string(json_of(made).at("id").as_string()));
}

BOOST_AUTO_TEST_CASE(run_of_a_task_that_others_want_is_left_alone)
{
    const std::string admin = make_token("root", role::admin);
    const std::string ann = make_token("ann", role::user);
    const std::string ben = make_token("ben", role::user);
    const std::string wish = R"({"operator":"api_wait","key":"k","scope":"shared"})";
    const std::string id(json_of(post("/api/v1/tasks", wish, ann)).at("id").as_string());
    const std::string run = "/api/v1/runs/" + id;
    expect(202, post(run + "/pause", "", ann));
    expect(202, post(run + "/resume", "", ann));
    expect(200, post("/api/v1/tasks", wish, ben));
    expect(409, post(run + "/cancel", "", ann));
    expect(409, post(run + "/cancel", R"({"tasks":["task"]})", ann));
    expect(409, post(run + "/pause", "", ann));
    BOOST_TEST(json_of(call("GET", "/api/v1/tasks/" + id, with_token(ben))).at("state").as_string() == "running");
    expect(202, post(run + "/cancel", "", admin));
    const json::value after = json_of(call("GET", "/api/v1/tasks/" + id, with_token(ben)));
    BOOST_TEST(after.at("state").as_string().starts_with("cancel"));
    end_of(id);
    expect(409, post(run + "/cancel", "", admin));
    BOOST_TEST(call("DELETE", run, with_token(ann)).status == 409u);
    BOOST_TEST(call("DELETE", run, with_token(admin)).status == 204u);
}

BOOST_AUTO_TEST_CASE(owner_who_is_alone_cancels_a_task_through_its_run)
{
    const std::string ann = make_token("ann", role::user);
    make_token("root", role::admin);
    const std::string id(
        json_of(post("/api/v1/tasks", R"({"operator":"api_wait","key":"k"})", ann)).at("id").as_string());
    expect(202, post("/api/v1/runs/" + id + "/cancel", "", ann));
    end_of(id);
    const auto task = json_of(call("GET", "/api/v1/tasks/" + id, with_token(ann)));
    BOOST_TEST(task.at("subscribers").as_array().empty());
    BOOST_TEST(call("DELETE", "/api/v1/runs/" + id, with_token(ann)).status == 204u);
}

BOOST_AUTO_TEST_CASE(task_that_has_ended_is_not_retried)
{
    const auto made = post("/api/v1/tasks", R"({"operator":"api_fail","key":"k"})");
    const std::string id(json_of(made).at("id").as_string());
    end_of(id);
    const auto again = post("/api/v1/runs/" + id + "/retry", "");
    expect(409, again);
    BOOST_TEST(again.body.find("submit it again") != std::string::npos, again.body);
    BOOST_TEST(get("/api/v1/runs/" + id).at("state").as_string() == "failed");
}

BOOST_AUTO_TEST_CASE(replays_are_planned_begun_and_cancelled)
{
    put_dag("daily.yaml", daily);
    BOOST_TEST(get("/api/v1/schedules").at("items").is_array());
    const auto plan =
        post("/api/v1/replays",
             R"({"dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-03T23:00:00Z","dry_run":true})");
    expect(200, plan);
    BOOST_TEST(json_of(plan).at("runs").as_int64() == 3);
    const auto made = post("/api/v1/replays",
                           R"({"dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-03T23:00:00Z","parallel":2})");
    expect(201, made);
    const std::string path = "/api/v1/replays/" + std::string(json_of(made).at("id").as_string());
    BOOST_TEST(get("/api/v1/replays").at("items").as_array().size() == 1u);
    BOOST_TEST(get(path).at("parallel").as_int64() == 2);
    expect(200, post(path + "/cancel", ""));
    BOOST_TEST(get(path).at("state").as_string() == "cancelled");
    expect(404, call("GET", "/api/v1/replays/nosuch"));
    expect(422,
           post("/api/v1/replays", R"({"dag":"nosuch","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"})"));
    expect(422,
           post("/api/v1/replays", R"({"dag":"daily","from":"2026-02-01T00:00:00Z","to":"2026-01-02T00:00:00Z"})"));
    expect(422, post("/api/v1/replays", R"({"dag":"daily","from":"soon","to":"2026-01-02T00:00:00Z"})"));
}

BOOST_AUTO_TEST_CASE(replay_of_one_id_is_begun_once)
{
    put_dag("daily.yaml", daily);
    const std::string wish =
        R"({"id":"back-1","dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-03T23:00:00Z"})";
    expect(201, post("/api/v1/replays", wish));
    const auto again = post("/api/v1/replays", wish);
    expect(201, again);
    BOOST_TEST(json_of(again).at("id").as_string() == "back-1");
    BOOST_TEST(get("/api/v1/replays").at("items").as_array().size() == 1u);
    expect(409, post("/api/v1/replays",
                     R"({"id":"back-1","dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-02T23:00:00Z"})"));
    expect(422, post("/api/v1/replays",
                     R"({"id":"a/b","dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-02T23:00:00Z"})"));
}

BOOST_AUTO_TEST_CASE(server_tells_how_it_is)
{
    BOOST_TEST(get("/healthz").at("status").as_string() == "good");
    expect(503, call("GET", "/readyz"));
    BOOST_TEST(call("GET", "/metrics").body.find("# TYPE") != std::string::npos);
    BOOST_TEST(get("/api/v1/backends").at("items").is_array());
    BOOST_TEST(get("/openapi.json").at("info").at("version").as_string() == "1.2.3");
    BOOST_TEST(get("/api/v1/approvals").at("items").as_array().empty());
    sent elsewhere;
    elsewhere.peer = "192.0.2.7";
    elsewhere.host = "10.0.0.1";
    BOOST_TEST(ask("GET", "/healthz", elsewhere).status == 200u);
    BOOST_TEST(ask("GET", "/metrics", elsewhere).status == 421u);
}

BOOST_AUTO_TEST_CASE(every_operation_gives_what_it_declares)
{
    put_dag("greeting.yaml", greeting);
    put_dag("waiting.yaml", waiting);
    put_dag("asking.yaml", asking);
    put_dag("approving.yaml", approving);
    put_dag("daily.yaml", daily);
    last_token().clear();
    const std::string done = "/api/v1/runs/" + finished("greeting");
    const std::string waits = "/api/v1/runs/" + begin("waiting");
    const std::string approves = begin("approving");
    begin("asking");
    run_until([] { return !last_token().empty(); });
    run_until([&] { return !json_of(ask("GET", "/api/v1/approvals")).at("items").as_array().empty(); });
    const auto id_in = [&](const web::reply& r) { return std::string(json_of(r).at("id").as_string()); };
    const std::string task = id_in(post("/api/v1/tasks", R"({"operator":"api_wait"})"));
    const std::string replay =
        id_in(post("/api/v1/replays", R"({"dag":"daily","from":"2026-01-01T00:00:00Z","to":"2026-01-03T23:00:00Z"})"));
    for (const std::string& target : {std::string("/api/v1/dags"),
                                      std::string("/api/v1/dags/greeting"),
                                      std::string("/api/v1/dags/greeting/source"),
                                      std::string("/api/v1/runs"),
                                      done,
                                      done + "/tasks",
                                      done + "/tasks/hello",
                                      done + "/tasks/again/items",
                                      done + "/tasks/again/items/2/attempts",
                                      done + "/tasks/hello/why",
                                      done + "/tasks/hello/input",
                                      done + "/diff" + waits.substr(waits.rfind('/')),
                                      done + "/logs",
                                      std::string("/api/v1/tasks"),
                                      "/api/v1/tasks/" + task,
                                      std::string("/api/v1/approvals"),
                                      std::string("/api/v1/schedules"),
                                      std::string("/api/v1/replays"),
                                      "/api/v1/replays/" + replay,
                                      std::string("/api/v1/pools"),
                                      std::string("/api/v1/backends"),
                                      std::string("/api/v1/operators"),
                                      std::string("/api/v1/operators/api_say"),
                                      std::string("/api/v1/self"),
                                      std::string("/api/v1/tokens"),
                                      std::string("/api/v1/audit"),
                                      std::string("/healthz"),
                                      std::string("/metrics"),
                                      std::string("/openapi.json")})
        expect(200, call("GET", target));
    call("GET", "/readyz");
    expect(200, call("GET", "/api/v1/events", accepting("text/event-stream")));
    expect(200, post("/api/v1/dags/daily/pause", ""));
    expect(200, post("/api/v1/dags/daily/resume", ""));
    expect(200, post("/api/v1/callbacks/" + last_token(), R"({"state":"success"})"));
    expect(200, post("/api/v1/approvals", R"({"run":")" + approves + R"(","task":"ask","approved":true})"));
    expect(200, post("/api/v1/replays/" + replay + "/cancel", ""));
    expect(202, post("/api/v1/tasks/" + task + "/cancel", ""));
    expect(202, post(waits + "/pause", ""));
    expect(202, post(waits + "/resume", ""));
    expect(202, post(waits + "/cancel", ""));
    end_of(waits.substr(waits.rfind('/') + 1));
    expect(202, post(waits + "/retry", ""));
    expect(204, call("DELETE", done));
    sent slots;
    slots.body = R"({"slots":3})";
    expect(200, call("PUT", "/api/v1/pools/gpu", slots));
    expect(200, call("DELETE", "/api/v1/pools/gpu"));
    const auto made = post("/api/v1/tokens", R"({"name":"root","role":"admin"})");
    expect(201, made);
    expect(200, call("DELETE", "/api/v1/tokens/" + id_in(made),
                     with_token(std::string(json_of(made).at("text").as_string()))));
    for (const route& r : routes())
        BOOST_TEST((answered.contains(r.operation) || r.operation == "get_readiness"), r.operation << " was not asked");
}

BOOST_AUTO_TEST_SUITE_END()
