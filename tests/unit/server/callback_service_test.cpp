#include "engine/graph/load.hpp"
#include "engine/runtime/attempt_result.hpp"
#include "tests/unit/server/server_trial.hpp"

#include <potoo/operator.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;
using kind = host::request_result::kind;

namespace {

callback_message message(const char* text)
{
    return parse_callback_message(json::parse(text));
}

std::string refusal_of(const char* text)
{
    try {
        static_cast<void>(message(text));
    } catch (const task_refused& e) {
        std::string out;
        for (const auto& p : e.problems())
            out += p.place + " " + p.text + (p.suggestion.empty() ? "" : " (" + p.suggestion + "?)") + "\n";
        return out.empty() ? e.what() : out;
    }
    return "none";
}

/// One task `t` that waits, and `after` behind it.
std::string dag_of(const std::string& with, const std::string& op = "callback", const std::string& more = "")
{
    return "name: test\ntasks:\n  t: {operator: " + op + more + ", with: " + with +
           "}\n  after: {operator: noop, depends_on: [t]}\n";
}

struct callback_trial : server_trial
{
    callback_trial()
    {
        start_service();
        carrier_heard();
        http.reply = [](const http_request&) { return potoo::test::scripted_http::json(200, R"({"id": "j7"})"); };
    }

    void carrier_heard()
    {
        carrier().listen([this](const run_notice& n) {
            if (n.what == run_notice::kind::progress)
                progress.emplace_back(n.fraction, std::string(n.text));
        });
    }

    run_id begin(const std::string& yaml, const principal& who = ann)
    {
        const graph::load_result loaded = graph::load_dag(yaml, "test.yaml", operators());
        BOOST_TEST_REQUIRE((loaded.value != nullptr), graph::format_diagnostics(loaded));
        host::run_request wish;
        wish.dag = loaded.value;
        wish.origin.by = "api";
        wish.origin.who = who.name;
        return finish(carrier().start(std::move(wish)));
    }

    std::string token()
    {
        const auto waiting = engine().waiting_callbacks();
        BOOST_TEST_REQUIRE(!waiting.empty());
        return waiting.front().token;
    }

    host::request_result deliver(const std::string& to, const char* text)
    {
        return finish(callbacks().deliver(to, message(text)));
    }

    host::request_result decide(const principal& who, const run_id& run, bool approved, std::string comment = {})
    {
        approval_decision d{run.value(), "t", item_index(0), approved, std::move(comment)};
        return finish(callbacks().decide(who, std::move(d)));
    }

    journal::run_row row() { return store.runs({}).at(0); }

    journal::task_row waiting_task() { return store.tasks(row().number).at(0); }

    std::string state() { return std::string(to_string(row().state)); }

    json::value output() { return runtime::parse_recorded(waiting_task().output); }

    std::string code()
    {
        const json::value error = runtime::parse_recorded(waiting_task().error);
        const json::object* o = error.if_object();
        return o && o->contains("code") ? std::string(o->at("code").as_string()) : "none";
    }

    std::string logged()
    {
        std::string all;
        journal::log_filter f;
        f.run = row().number;
        store.logs(f, [&](std::uint64_t, const journal::log_chunk& c) {
            all += c.text;
            return true;
        });
        return all;
    }

    std::vector<std::pair<double, std::string>> progress;
};

/// What was sent and got no answer, or none that tells.
potoo::test::scripted_http::answer no_answer(const http_request&)
{
    return make_error_code(http_error::timed_out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(callback_messages)

BOOST_AUTO_TEST_CASE(forms_of_a_message_are_read)
{
    BOOST_TEST(message(R"({"state": "success", "output": [1]})").output == (json::array{1}));
    BOOST_TEST(message(R"({"state": "success"})").output.is_null());
    BOOST_TEST(message(R"({"state": "failed", "error": "no"})").error == (json::object{{"message", "no"}}));
    BOOST_TEST(message(R"({"state": "failed", "error": {"code": "x", "message": "y"}})").error.at("code") ==
               json::value("x"));
    BOOST_TEST(message(R"({"state": "failed"})").error.contains("message"));
    const callback_message n = message(R"({"state": "running", "progress": {"n": 1, "of": 4, "message": "slow"}})");
    BOOST_TEST(n.fraction.value() == 0.25);
    BOOST_TEST(n.message == "1 of 4: slow");
    BOOST_TEST(message(R"({"state": "running", "progress": 0.5})").fraction.value() == 0.5);
    BOOST_TEST(!message(R"({"state": "running"})").fraction);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_message_is_told_with_its_place)
{
    BOOST_TEST(refusal_of("[]").find("is an object") != std::string::npos);
    BOOST_TEST(refusal_of("{}").starts_with("/state is missing"));
    BOOST_TEST(refusal_of(R"({"state": "succes"})").find("(success?)") != std::string::npos);
    BOOST_TEST(refusal_of(R"({"state": "success", "error": "x"})").starts_with("/error "));
    BOOST_TEST(refusal_of(R"({"state": "failed", "output": 1})").starts_with("/output "));
    BOOST_TEST(refusal_of(R"({"state": "running", "progress": 2})").starts_with("/progress "));
    BOOST_TEST(refusal_of(R"({"state": "running", "progress": {"n": 1}})").starts_with("/progress/of "));
    BOOST_TEST(refusal_of(R"({"state": "running", "progress": {"n": -1, "of": 2}})").starts_with("/progress/n "));
    BOOST_TEST(refusal_of(R"({"state": "running", "progres": 1})").find("(progress?)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(callbacks, callback_trial)

BOOST_AUTO_TEST_CASE(what_is_delivered_is_the_output)
{
    begin(dag_of("{message: 'the tape'}"));
    BOOST_TEST(engine().waiting_callbacks().at(0).about.at("message") == json::value("the tape"));
    const std::string t = token();
    BOOST_TEST(logged().find(t) == std::string::npos);
    BOOST_TEST((deliver(t, R"({"state": "success", "output": {"n": 1}})").what == kind::accepted));
    BOOST_TEST(state() == "success");
    BOOST_TEST(output() == (json::object{{"n", 1}}));
    BOOST_TEST(engine().waiting_callbacks().empty());
}

BOOST_AUTO_TEST_CASE(same_delivery_is_repeated_and_another_is_a_conflict)
{
    begin(dag_of("{}") + "  keep: {operator: callback}\n");
    const std::string t = token();
    BOOST_TEST((deliver(t, R"({"state": "success", "output": {"a": 1, "b": [2]}})").what == kind::accepted));
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST((deliver(t, R"({"output": {"b": [2], "a": 1}, "state": "success"})").what == kind::repeated));
        BOOST_TEST((deliver(t, R"({"state": "success", "output": {"a": 2}})").what == kind::conflict));
        BOOST_TEST((deliver(t, R"({"state": "failed"})").what == kind::conflict));
        BOOST_TEST((deliver(t, R"({"state": "running"})").what == kind::ended));
        // And so it is for an engine that carries nothing.
        crash();
    }
    resume();
    BOOST_TEST(output() == (json::object{{"a", 1}, {"b", json::array{2}}}));
}

BOOST_AUTO_TEST_CASE(token_that_is_none_is_unknown)
{
    const run_id run = begin(dag_of("{}"));
    BOOST_TEST((deliver(run.value() + ".x", R"({"state": "success"})").what == kind::unknown));
    BOOST_TEST((deliver(run.value() + ".x", R"({"state": "running"})").what == kind::unknown));
    BOOST_TEST((deliver("x", R"({"state": "running"})").what == kind::unknown));
    BOOST_TEST((deliver("", R"({"state": "success"})").what == kind::unknown));
    // And so it is for an engine that carries nothing.
    crash();
    BOOST_TEST((deliver(run.value() + ".x", R"({"state": "success"})").what == kind::unknown));
    BOOST_TEST((deliver(run.value() + ".x", R"({"state": "running"})").what == kind::unknown));
}

BOOST_AUTO_TEST_CASE(failure_that_is_delivered_fails_the_task)
{
    begin(dag_of("{}"));
    deliver(token(), R"({"state": "failed", "error": {"message": "paper jam", "code": "jam"}})");
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "jam");
}

BOOST_AUTO_TEST_CASE(signs_of_life_show_progress_and_put_the_heartbeat_off)
{
    begin(dag_of("{heartbeat: 5m}"));
    const std::string t = token();
    for (int i = 1; i <= 5; ++i) {
        pass(4min);
        const std::string text = R"({"state": "running", "progress": {"n": )" + std::to_string(i) + R"(, "of": 10}})";
        BOOST_TEST((deliver(t, text.c_str()).what == kind::accepted));
    }
    BOOST_TEST(state() == "running");
    BOOST_TEST(progress.size() == 5u);
    BOOST_TEST(progress.back().first == 0.5);
    BOOST_TEST(progress.back().second == "5 of 10");
    pass(4min + 59s);
    BOOST_TEST(state() == "running");
    pass(2s);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "heartbeat_missed");
    BOOST_TEST((deliver(t, R"({"state": "success"})").what == kind::ended));
}

BOOST_AUTO_TEST_CASE(timeout_before_the_heartbeat_is_a_timeout)
{
    begin(dag_of("{heartbeat: 1h}", "callback", ", timeout: 2s"));
    pass(3s);
    BOOST_TEST((waiting_task().state == journal::recorded_state::timed_out));
    BOOST_TEST(code() == "timed_out");
}

BOOST_AUTO_TEST_CASE(deadline_of_the_run_before_the_heartbeat_is_no_missed_heartbeat)
{
    begin("deadline: 2s\n" + dag_of("{heartbeat: 1h}"));
    pass(3s);
    BOOST_TEST(state() == "timed_out");
    BOOST_TEST(code() != "heartbeat_missed");
}

BOOST_AUTO_TEST_CASE(restart_begins_the_heartbeat_anew_and_keeps_the_token)
{
    begin(dag_of("{heartbeat: 5m}"));
    const std::string t = token();
    pass(4min);
    crash_and_start();
    BOOST_TEST(token() == t);
    pass(4min);
    BOOST_TEST(state() == "running");
    BOOST_TEST((deliver(t, R"({"state": "success", "output": 1})").what == kind::accepted));
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(delivery_to_a_run_that_nobody_carries_is_handed_over_later)
{
    begin(dag_of("{}"));
    const std::string t = token();
    crash();
    BOOST_TEST(token() == t);
    BOOST_TEST((deliver(t, R"({"state": "running"})").what == kind::accepted));
    const auto r = deliver(t, R"({"state": "success", "output": 7})");
    BOOST_TEST((r.what == kind::accepted));
    BOOST_TEST(!r.carried);
    BOOST_TEST(engine().waiting_callbacks().empty());
    resume();
    BOOST_TEST(state() == "success");
    BOOST_TEST(output() == json::value(7));
}

BOOST_AUTO_TEST_CASE(start_is_told_where_to_answer)
{
    engine().callbacks_at("https://potoo.example" + std::string(callback_path));
    begin(
        dag_of("{start: {method: POST, url: 'http://h/jobs', body: {to: '${{ callback.url }}', t: '${{ callback.token "
               "}}'}}}"));
    pass(1s);
    BOOST_TEST_REQUIRE(http.requests.size() == 1u);
    const json::value body = json::parse(http.requests[0].body);
    const std::string t = token();
    BOOST_TEST(body.at("to") == json::value(json::string("https://potoo.example/api/v1/callbacks/" + t)));
    BOOST_TEST(body.at("t") == json::value(json::string(t)));
    crash_and_start();
    pass(1s);
    BOOST_TEST(http.requests.size() == 1u);
    deliver(t, R"({"state": "success"})");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(url_is_a_path_when_nobody_has_said_how_the_engine_is_reached)
{
    begin(dag_of("{start: {url: 'http://h/${{ callback.url }}'}}"));
    pass(1s);
    BOOST_TEST(http.requests.at(0).url == "http://h//api/v1/callbacks/" + token());
}

BOOST_AUTO_TEST_CASE(start_that_is_refused_fails_the_task)
{
    http.reply = [](const http_request&) { return potoo::test::scripted_http::json(404, "{}"); };
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}}"));
    pass(1s);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "http_404");
}

BOOST_AUTO_TEST_CASE(start_whose_answer_is_lost_is_waited_for_where_something_watches)
{
    http.reply = no_answer;
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}, heartbeat: 5m}"));
    pass(1min);
    BOOST_TEST(http.requests.size() == 1u);
    BOOST_TEST(logged().find("it is waited for as if it was") != std::string::npos);
    deliver(token(), R"({"state": "success"})");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(start_whose_answer_is_lost_fails_where_nothing_would_tell)
{
    http.reply = no_answer;
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}}"));
    pass(1s);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "start_unknown");
}

BOOST_AUTO_TEST_CASE(idempotent_start_is_sent_again)
{
    http.reply = [this](const http_request& r) {
        return http.requests.size() < 3 ? no_answer(r) : potoo::test::scripted_http::json(200, "{}");
    };
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}, idempotent: true}"));
    pass(10s);
    BOOST_TEST(http.requests.size() == 3u);
    BOOST_TEST(state() == "running");
    deliver(token(), R"({"state": "success"})");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(start_that_a_crash_has_interrupted_is_not_sent_again)
{
    http.latency = 10'000ms;
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}, heartbeat: 5m}"));
    pass(1s);
    BOOST_TEST(http.requests.size() == 1u);
    crash_and_start();
    pass(1min);
    BOOST_TEST(http.requests.size() == 1u);
    deliver(token(), R"({"state": "success"})");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(cancelled_task_tells_what_it_has_started)
{
    const run_id run = begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}, cancel: {method: DELETE, url: "
                                    "'http://h/jobs/${{ started.body.id }}'}}"));
    pass(1s);
    finish(engine().cancel_on_request(run.value(), {}));
    pass(1s);
    BOOST_TEST_REQUIRE(http.requests.size() == 2u);
    BOOST_TEST(http.requests[1].method == "DELETE");
    BOOST_TEST(http.requests[1].url == "http://h/jobs/j7");
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(store.unconfirmed(std::nullopt).empty());
}

BOOST_AUTO_TEST_CASE(task_that_times_out_tells_what_it_has_started_also_after_a_restart)
{
    begin(dag_of("{start: {method: POST, url: 'http://h/jobs'}, cancel: {method: DELETE, url: 'http://h/jobs/${{ "
                 "started.body.id }}'}}",
                 "callback", ", timeout: 1h"));
    pass(1s);
    crash_and_start();
    pass(61min);
    BOOST_TEST_REQUIRE(http.requests.size() == 2u);
    BOOST_TEST(http.requests[1].url == "http://h/jobs/j7");
    BOOST_TEST(state() == "failed");
    BOOST_TEST(std::string(to_string(waiting_task().state)) == "timed_out");
}

BOOST_AUTO_TEST_CASE(cancellation_that_nobody_confirms_is_marked)
{
    http.reply = [](const http_request& r) {
        return r.method == "POST" ? potoo::test::scripted_http::json(200, "{}")
                                  : potoo::test::scripted_http::json(500, "{}");
    };
    const run_id run = begin(
        dag_of("{start: {method: POST, url: 'http://h/jobs'}, cancel: {method: DELETE, url: 'http://h/jobs/1'}}"));
    pass(1s);
    finish(engine().cancel_on_request(run.value(), {}));
    pass(10s);
    BOOST_TEST(http.requests.size() == 4u);
    BOOST_TEST(state() == "cancelled");
    BOOST_TEST(store.unconfirmed(std::nullopt).size() == 1u);
}

BOOST_AUTO_TEST_CASE(poll_finds_the_end_that_nobody_has_delivered)
{
    std::string job = "busy";
    http.reply = [&](const http_request& r) {
        const bool starts = r.method == "POST";
        return potoo::test::scripted_http::json(200,
                                                starts ? R"({"id": 5})" : R"({"state": ")" + job + R"(", "r": 9})");
    };
    const char* with =
        "{start: {method: POST, url: 'http://h/jobs'}, poll_interval: 1m, poll: {url: 'http://h/jobs/${{ "
        "started.body.id }}', state: '${{ response.body.state }}', output: '${{ response.body.r }}'}}";
    begin(dag_of(with));
    pass(10min);
    BOOST_TEST(state() == "running");
    BOOST_TEST(http.requests.size() >= 10u);
    BOOST_TEST(http.requests.at(3).url == "http://h/jobs/5");
    job = "success";
    pass(1min + 1s);
    BOOST_TEST(state() == "success");
    BOOST_TEST(output() == json::value(9));
    begin(dag_of(with));
    pass(1s);
    job = "failed";
    pass(1min + 1s);
    BOOST_TEST(state() == "failed");
}

BOOST_AUTO_TEST_CASE(delivery_comes_before_a_poll)
{
    http.reply = [](const http_request&) { return potoo::test::scripted_http::json(500, "{}"); };
    begin(dag_of("{poll_interval: 1m, poll: {url: 'http://h/x', state: '${{ response.body.state }}'}}"));
    pass(5min);
    BOOST_TEST(state() == "running");
    const std::string log = logged();
    BOOST_TEST(log.find("`poll`") != std::string::npos);
    BOOST_TEST(log.find("`poll`") == log.rfind("`poll`"));
    crash_and_start();
    deliver(token(), R"({"state": "success", "output": 2})");
    BOOST_TEST(state() == "success");
    BOOST_TEST(output() == json::value(2));
}

BOOST_AUTO_TEST_CASE(waiting_takes_no_slot_of_a_pool)
{
    const std::string yaml = "name: test\npools: {p: 1}\ntasks:\n"
                             "  a: {operator: callback, pool: p}\n"
                             "  b: {operator: callback, pool: p}\n"
                             "  c: {operator: callback, pool: p, with: {holds_slot: true}}\n"
                             "  d: {operator: callback, pool: p}\n";
    begin(yaml);
    pass(1s);
    const auto waiting = engine().waiting_callbacks();
    BOOST_TEST(waiting.size() == 3u);
    BOOST_TEST(engine().pools().size() == 1u);
    for (const auto& p : engine().pools())
        BOOST_TEST(p.used == 1u);
    for (const auto& w : waiting)
        deliver(w.token, R"({"state": "success"})");
    pass(1s);
    BOOST_TEST(engine().waiting_callbacks().size() == 1u);
    deliver(token(), R"({"state": "success"})");
    BOOST_TEST(state() == "success");
    for (const auto& p : engine().pools())
        BOOST_TEST(p.used == 0u);
}

BOOST_AUTO_TEST_CASE(waiting_does_not_count_in_max_active)
{
    const auto yaml = [](const char* with) {
        return std::string(
                   "name: test\ntasks:\n  t: {operator: callback, foreach: [1, 2, 3, 4], max_active: 1, with: ") +
               with + "}\n";
    };
    begin(yaml("{}"));
    pass(1s);
    BOOST_TEST(engine().waiting_callbacks().size() == 4u);
    crash_and_start();
    BOOST_TEST(engine().waiting_callbacks().size() == 4u);
    for (const auto& w : engine().waiting_callbacks())
        deliver(w.token, R"({"state": "success"})");
    BOOST_TEST(state() == "success");
    begin(yaml("{holds_slot: true}"));
    pass(1s);
    BOOST_TEST(engine().waiting_callbacks().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(approvals, callback_trial)

BOOST_AUTO_TEST_CASE(approval_tells_who_gave_it)
{
    const run_id run = begin(dag_of("{message: 'Go?'}", "approval"));
    const auto waiting = callbacks().approvals(ann);
    BOOST_TEST_REQUIRE(waiting.size() == 1u);
    BOOST_TEST(approval_document(waiting[0]).at("message") == json::value("Go?"));
    BOOST_TEST(!approval_document(waiting[0]).contains("token"));
    BOOST_TEST((decide(ann, run, true, "fine").what == kind::accepted));
    BOOST_TEST(state() == "success");
    BOOST_TEST(output() == (json::object{{"approved", true}, {"by", "ann"}, {"comment", "fine"}}));
    BOOST_TEST((decide(ann, run, true, "fine").what == kind::repeated));
    BOOST_TEST((decide(ann, run, false, "fine").what == kind::conflict));
    BOOST_CHECK_THROW(decide(bob, run, true, "fine"), task_refused);
}

BOOST_AUTO_TEST_CASE(rejection_fails_and_is_not_retried)
{
    const run_id run = begin(dag_of("{message: 'Go?'}", "approval", ", retry: 3"));
    decide(admin, run, false, "not on a Friday");
    pass(1h);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "rejected");
    BOOST_TEST(waiting_task().attempts == 1u);
    BOOST_TEST(waiting_task().error.find("rejected by root: not on a Friday") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(rejection_may_be_an_output)
{
    const run_id run = begin(dag_of("{message: 'Go?', on_reject: output}", "approval"));
    decide(ann, run, false);
    BOOST_TEST(state() == "success");
    BOOST_TEST(output().at("approved") == json::value(false));
}

BOOST_AUTO_TEST_CASE(only_approvers_answer_where_some_are_named)
{
    const run_id run = begin(dag_of("{message: 'Go?', approvers: [bob, carl]}", "approval"));
    const auto refusal = [&](const principal& who) {
        try {
            decide(who, run, true);
        } catch (const task_refused& e) {
            return std::string(e.what());
        }
        return std::string("none");
    };
    BOOST_TEST(refusal(ann).find("it is for bob, carl to answer") != std::string::npos);
    BOOST_TEST(refusal(admin).find("it is for bob, carl to answer") != std::string::npos);
    const principal dora{"dora", role::user, "5"};
    BOOST_TEST(refusal(dora).find("no approval waits") != std::string::npos);
    BOOST_TEST(callbacks().approvals(bob).size() == 1u);
    BOOST_TEST(refusal(bob) == "none");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(answer_that_came_by_the_token_is_checked_as_well)
{
    begin(dag_of("{message: 'Go?', approvers: [bob]}", "approval"));
    deliver(token(), R"({"state": "success", "output": {"approved": true, "by": "eve"}})");
    BOOST_TEST(code() == "not_an_approver");
    begin(dag_of("{message: 'Go?'}", "approval"));
    deliver(token(), R"({"state": "success", "output": "yes"})");
    BOOST_TEST(code() == "invalid_answer");
    begin(dag_of("{message: 'Go?'}", "approval"));
    deliver(token(), R"({"state": "success", "output": true})");
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_CASE(nobody_but_owner_and_admin_answers_otherwise)
{
    const run_id run = begin(dag_of("{message: 'Go?'}", "approval"));
    BOOST_CHECK_THROW(decide(bob, run, true), task_refused);
    BOOST_CHECK_THROW(decide(looker, run, true), task_refused);
    BOOST_TEST(callbacks().approvals(looker).size() == 1u);
    BOOST_TEST(callbacks().approvals(bob).empty());
    BOOST_TEST((decide(admin, run, true).what == kind::accepted));
}

BOOST_AUTO_TEST_CASE(approval_that_nobody_gives_fails_in_time_whatever_restarts)
{
    begin(dag_of("{message: 'Go?', timeout: 2h}", "approval"));
    pass(1h);
    crash_and_start();
    pass(59min);
    BOOST_TEST(state() == "running");
    pass(2min);
    BOOST_TEST(state() == "failed");
    BOOST_TEST(code() == "no_answer");
}

BOOST_AUTO_TEST_CASE(answer_in_time_counts)
{
    const run_id run = begin(dag_of("{message: 'Go?', timeout: 2h}", "approval"));
    pass(1h);
    decide(ann, run, true);
    BOOST_TEST(state() == "success");
}

BOOST_AUTO_TEST_SUITE_END()
