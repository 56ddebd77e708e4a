#include "tests/unit/server/server_trial.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

task<json::value> echo(context& ctx)
{
    co_return ctx.input().at("text");
}

/// Tells how far it is every second.
task<json::value> take_time(context& ctx)
{
    const auto seconds = ctx.input().at("for").to_number<std::uint64_t>();
    ctx.publish("place", json::value("here"));
    for (std::uint64_t i = 0; i < seconds; ++i) {
        co_await sleep_for(1s);
        ctx.progress(i + 1, seconds);
    }
    co_return json::value("done");
}

/// Tells what JSON cannot say.
task<json::value> tell_oddly(context& ctx)
{
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::string what(ctx.input().at("what").as_string());
    if (what == "progress")
        ctx.progress(nan, "somewhere");
    else if (what == "number")
        ctx.publish("odd", json::array{nan});
    else
        ctx.publish("odd", json::parse(std::string(30, '[') + std::string(30, ']')));
    if (what == "deep")
        ctx.publish("odd", json::array{json::array{json::parse(std::string(32, '[') + std::string(32, ']')), 0}, 0});
    co_await sleep_for(1min);
    co_return json::value("done");
}

POTOO_OPERATOR("trial_odd", tell_oddly, {.summary = "Tells oddly.", .schema = R"({"type": "object",
    "required": ["what"], "properties": {"what": {"type": "string"}}})"})
POTOO_OPERATOR("trial_echo", echo, {.summary = "Gives its text back.", .schema = R"({"type": "object",
    "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string", "maxLength": 40},
    "list": {"type": "array", "items": {"type": "object", "properties": {"a/b": {"type": "integer"}}}}}})"})
POTOO_OPERATOR("trial_time", take_time, {.summary = "Takes its time.", .schema = R"({"type": "object",
    "required": ["for"], "properties": {"for": {"type": "integer"}}})"})

task_request echo_of(std::string text)
{
    task_request r;
    r.operator_name = "trial_echo";
    r.with = json::object{{"text", std::move(text)}};
    return r;
}

task_request work_for(int seconds, std::string key = {}, task_scope scope = task_scope::private_)
{
    task_request r;
    r.operator_name = "trial_time";
    r.with = json::object{{"for", seconds}};
    r.key = std::move(key);
    r.scope = scope;
    return r;
}

/// @return `KIND` and the problems as `POINTER text`
template <class F>
std::string refusal_of(F&& f)
{
    try {
        f();
    } catch (const task_refused& e) {
        constexpr std::string_view kinds[]{"invalid", "forbidden", "unknown", "conflict"};
        std::string out(kinds[static_cast<std::size_t>(e.why())]);
        for (const auto& p : e.problems())
            out += " " + p.place + " " + p.text + (p.suggestion.empty() ? "" : " (" + p.suggestion + "?)");
        return out;
    }
    return "none";
}

struct started_trial : server_trial
{
    started_trial() { start_service(); }

    std::string state_of(const std::string& id) { return tasks().find(admin, id).state; }

    /// Entries of the ledger.
    std::size_t kept(const char* kind) { return store.entries(kind, {}, 0).size(); }

    /// The end of the run is in the journal, and nobody here has been told.
    void write_end()
    {
        for (int i = 0; carrier().ending().empty() && i < 1'000; ++i) {
            engine().write_journal();
            loop.run(duration{10});
        }
        BOOST_TEST_REQUIRE(carrier().ending().size() == 1u);
        while (!store.runs({}).at(0).ended)
            BOOST_TEST_REQUIRE(engine().write_journal());
        BOOST_TEST_REQUIRE(carrier().active() == 1u);
    }

    /// Runs that have not ended.
    std::size_t runs_under_way() { return engine().unfinished().size(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_services, started_trial)

BOOST_AUTO_TEST_CASE(submitted_task_is_a_run_that_ends_with_its_output)
{
    const submitted_task made = submit(ann, echo_of("hello"));
    BOOST_TEST(made.created);
    BOOST_TEST(state_of(made.id) == "success");
    BOOST_TEST(tasks().result_of(ann, made.id).output == json::value("hello"));
    const auto row = store.runs({}).at(0);
    BOOST_TEST(row.id.value() == made.id);
    BOOST_TEST(row.dag_name == "task.trial_echo");
    BOOST_TEST(runtime::parse_run_origin(row.origin).by == "task");
    BOOST_TEST(runtime::parse_run_origin(row.origin).who == "ann");
    BOOST_TEST(tasks().active() == 0u);
}

BOOST_AUTO_TEST_CASE(whoever_reads_that_a_run_has_ended_finds_its_task_ended)
{
    const submitted_task made = submit(ann, work_for(1));
    write_end();
    BOOST_TEST(state_of(made.id) == "success");
    BOOST_TEST(tasks().result_of(ann, made.id).output == json::value("done"));
    settle();
    BOOST_TEST(state_of(made.id) == "success");
}

BOOST_AUTO_TEST_CASE(list_of_tasks_knows_the_ends_that_the_journal_has)
{
    submit(ann, work_for(1));
    write_end();
    task_filter active;
    active.active = true;
    BOOST_TEST(tasks().list(ann, active).tasks.empty());
    task_filter good;
    good.state = "success";
    BOOST_TEST(tasks().list(ann, good).tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(task_whose_end_is_in_the_journal_is_not_joined)
{
    const submitted_task first = submit(ann, work_for(1, "k"));
    write_end();
    eventual<submitted_task> second;
    run(second, tasks().submit(ann, work_for(1, "k")));
    settle();
    BOOST_TEST(second.get().created);
    BOOST_TEST(second.get().id != first.id);
}

BOOST_AUTO_TEST_CASE(what_looks_like_an_expression_is_text)
{
    for (const std::string text : {"${{ params.x }}", "a $${{ b", "${{", "$$${{ 1 }}", "x ${{ 1 + 1 }} ${{ y"}) {
        const submitted_task made = submit(ann, echo_of(text));
        BOOST_TEST(state_of(made.id) == "success");
        BOOST_TEST(tasks().result_of(ann, made.id).output == json::value(json::string(text)));
    }
}

BOOST_AUTO_TEST_CASE(expressions_are_evaluated_when_asked_for)
{
    task_request wish = echo_of("${{ run.dag }}!");
    wish.expressions = true;
    const submitted_task made = submit(ann, std::move(wish));
    BOOST_TEST(tasks().result_of(ann, made.id).output == json::value("task.trial_echo!"));
    wish = echo_of("${{ nothing }}");
    wish.expressions = true;
    const std::string refusal = refusal_of([&] { submit(ann, std::move(wish)); });
    BOOST_TEST(refusal.starts_with("invalid /with/text "), refusal);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_request_is_told_with_its_place)
{
    task_request wish = echo_of(std::string(41, '$'));
    wish.with.as_object()["list"] = json::array{1, json::object{{"a/b", "x"}}};
    wish.with.as_object()["txet"] = 1;
    const std::string refusal = refusal_of([&] { submit(ann, std::move(wish)); });
    BOOST_TEST(refusal.find(" /with/text ") != std::string::npos, refusal);
    BOOST_TEST(refusal.find(" /with/list/0 ") != std::string::npos, refusal);
    BOOST_TEST(refusal.find(" /with/list/1/a~1b ") != std::string::npos, refusal);
    BOOST_TEST(refusal.find(" /with/txet ") != std::string::npos, refusal);
    wish = echo_of("x");
    wish.operator_name = "trial_ehco";
    BOOST_TEST(refusal_of([&] { submit(ann, wish); }).ends_with("(trial_echo?)"));
    wish = echo_of("x");
    wish.timeout = "soon";
    BOOST_TEST(refusal_of([&] { submit(ann, wish); }).starts_with("invalid /timeout "));
    wish = echo_of("x");
    wish.retry = json::object{{"limit", 2}, {"delay", "x"}};
    BOOST_TEST(refusal_of([&] { submit(ann, wish); }).starts_with("invalid /retry/delay "));
    BOOST_TEST(store.runs({}).empty());
    BOOST_TEST(kept("task") == 0u);
}

BOOST_AUTO_TEST_CASE(body_of_a_request_is_read_and_checked)
{
    const task_request r = parse_task_request(json::parse(
        R"({"operator": "http", "with": {"url": "x"}, "key": "k", "name": "n", "scope": "shared", "timeout": "5s",
            "properties": {"a": 1}, "retry": 2, "expressions": true})"));
    BOOST_TEST(r.operator_name == "http");
    BOOST_TEST((r.scope == task_scope::shared));
    BOOST_TEST(r.expressions);
    BOOST_TEST(r.properties.at("a") == json::value(1));
    const std::string wrong = refusal_of([] {
        static_cast<void>(parse_task_request(
            json::parse(R"({"operator": 1, "scope": "pirvate", "propertes": {}, "expressions": "no"})")));
    });
    BOOST_TEST(wrong.find("/operator must be a string, not a number") != std::string::npos, wrong);
    BOOST_TEST(wrong.find("(private?)") != std::string::npos, wrong);
    BOOST_TEST(wrong.find("/propertes is not known (properties?)") != std::string::npos, wrong);
    BOOST_TEST(wrong.find("/expressions must be true or false") != std::string::npos, wrong);
    BOOST_TEST(refusal_of([] { static_cast<void>(parse_task_request(json::array())); }) == "invalid");
}

BOOST_AUTO_TEST_CASE(many_that_ask_with_one_key_at_once_get_one_task)
{
    constexpr std::size_t askers = 200;
    std::vector<eventual<submitted_task>> made(askers);
    for (std::size_t i = 0; i < askers; ++i) {
        principal who{"user" + std::to_string(i % 50), role::user, "t"};
        run(made[i], tasks().submit(std::move(who), work_for(60, "k", task_scope::shared)));
    }
    settle();
    std::set<std::string> ids;
    std::size_t created = 0;
    for (auto& m : made) {
        ids.insert(m.get().id);
        created += m.get().created ? 1 : 0;
    }
    BOOST_TEST(ids.size() == 1u);
    BOOST_TEST(created == 1u);
    BOOST_TEST(runs_under_way() == 1u);
    BOOST_TEST(tasks().find(admin, *ids.begin()).subscribers.size() == 50u);
    BOOST_TEST(kept("task") == 1u);
    BOOST_TEST(kept("task_key") == 1u);
}

BOOST_AUTO_TEST_CASE(key_is_free_again_when_its_task_has_ended)
{
    const submitted_task first = submit(ann, work_for(10, "k"));
    BOOST_TEST(!submit(ann, work_for(10, "k")).created);
    pass(11s);
    BOOST_TEST(state_of(first.id) == "success");
    BOOST_TEST(kept("task_key") == 0u);
    const submitted_task next = submit(ann, work_for(10, "k"));
    BOOST_TEST(next.created);
    BOOST_TEST(next.id != first.id);
}

BOOST_AUTO_TEST_CASE(task_that_ends_at_once_lets_go_of_its_key)
{
    for (int i = 0; i < 20; ++i) {
        task_request wish = echo_of("x");
        wish.key = "k";
        BOOST_TEST(submit(ann, std::move(wish)).created);
    }
    BOOST_TEST(kept("task_key") == 0u);
}

BOOST_AUTO_TEST_CASE(private_keys_are_their_owners)
{
    const submitted_task hers = submit(ann, work_for(60, "k"));
    const submitted_task his = submit(bob, work_for(60, "k"));
    BOOST_TEST(his.created);
    BOOST_TEST(hers.id != his.id);
    BOOST_TEST(submit(bob, work_for(60, "k", task_scope::shared)).created);
    BOOST_TEST(!submit(ann, work_for(60, "k", task_scope::shared)).created);
}

BOOST_AUTO_TEST_CASE(owners_see_theirs_and_admins_all)
{
    const submitted_task hers = submit(ann, work_for(60));
    const submitted_task shared = submit(ann, work_for(60, "s", task_scope::shared));
    BOOST_TEST(refusal_of([&] { static_cast<void>(tasks().find(bob, hers.id)); }) == "unknown");
    BOOST_TEST(refusal_of([&] { static_cast<void>(tasks().find(bob, shared.id)); }) == "unknown");
    submit(bob, work_for(60, "s", task_scope::shared));
    BOOST_TEST(tasks().find(bob, shared.id).owner == "ann");
    BOOST_TEST(tasks().find(looker, hers.id).id == hers.id);
    BOOST_TEST(tasks().list(ann, {}).tasks.size() == 2u);
    BOOST_TEST(tasks().list(bob, {}).tasks.size() == 1u);
    BOOST_TEST(tasks().list(admin, {}).tasks.size() == 2u);
    BOOST_TEST(refusal_of([&] { finish(tasks().cancel(bob, hers.id, false)); }) == "unknown");
}

BOOST_AUTO_TEST_CASE(last_subscriber_cancels_the_work)
{
    const submitted_task made = submit(ann, work_for(60, "k", task_scope::shared));
    submit(bob, work_for(60, "k", task_scope::shared));
    BOOST_TEST((finish(tasks().cancel(ann, made.id, false)) == task_cancellation::unsubscribed));
    BOOST_TEST((finish(tasks().cancel(ann, made.id, false)) == task_cancellation::unsubscribed));
    BOOST_TEST(state_of(made.id) == "running");
    BOOST_TEST((finish(tasks().cancel(bob, made.id, false)) == task_cancellation::cancelling));
    settle();
    BOOST_TEST(state_of(made.id) == "cancelled");
    BOOST_TEST((finish(tasks().cancel(bob, made.id, false)) == task_cancellation::ended));
    BOOST_TEST(runs_under_way() == 0u);
}

BOOST_AUTO_TEST_CASE(admin_cancels_what_others_want_by_force_only)
{
    const submitted_task made = submit(ann, work_for(60));
    BOOST_TEST(refusal_of([&] { finish(tasks().cancel(admin, made.id, false)); }) == "forbidden");
    BOOST_TEST(refusal_of([&] { finish(tasks().cancel(ann, made.id, true)); }) == "forbidden");
    BOOST_TEST((finish(tasks().cancel(admin, made.id, true)) == task_cancellation::cancelling));
    settle();
    BOOST_TEST(state_of(made.id) == "cancelled");
}

BOOST_AUTO_TEST_CASE(task_of_the_system_is_for_admins_to_begin_and_for_all_to_see)
{
    BOOST_TEST(refusal_of([&] { submit(ann, work_for(60, "k", task_scope::system)); }).starts_with("forbidden"));
    const submitted_task made = submit(admin, work_for(60, "k", task_scope::system));
    BOOST_TEST(tasks().find(ann, made.id).subscribers.empty());
    BOOST_TEST(refusal_of([&] { finish(tasks().cancel(ann, made.id, false)); }) == "forbidden");
    BOOST_TEST((finish(tasks().cancel(admin, made.id, false)) == task_cancellation::cancelling));
}

BOOST_AUTO_TEST_CASE(progress_and_properties_are_seen_at_once_and_written_later)
{
    task_request wish = work_for(60);
    wish.properties = {{"ticket", 7}};
    const submitted_task made = submit(ann, std::move(wish));
    loop.run(1100ms);
    task_view v = tasks().find(ann, made.id);
    BOOST_TEST(v.message == "1 of 60");
    BOOST_TEST(v.properties.at("ticket") == json::value(7));
    BOOST_TEST(v.properties.at("place") == json::value("here"));
    const auto written = [&] { return json::parse(store.entry("task", made.id).value()).at("progress"); };
    BOOST_TEST(!written().as_object().contains("message"));
    pass(3s);
    BOOST_TEST(written().as_object().contains("message"));
    crash_and_start();
    v = tasks().find(ann, made.id);
    BOOST_TEST(v.state == "running");
    BOOST_TEST(v.properties.at("place") == json::value("here"));
}

BOOST_AUTO_TEST_CASE(what_could_not_be_read_back_is_not_kept)
{
    const auto begin = [&](const char* what) {
        task_request wish;
        wish.operator_name = "trial_odd";
        wish.with = json::object{{"what", what}};
        return submit(ann, std::move(wish)).id;
    };
    const std::string number = begin("number");
    const std::string deep = begin("deep");
    const std::string progress = begin("progress");
    pass(10s);
    BOOST_TEST(state_of(number) == "failed");
    BOOST_TEST(state_of(deep) == "failed");
    BOOST_TEST(state_of(progress) == "running");
    crash_and_start();
    BOOST_TEST(state_of(progress) == "running");
}

BOOST_AUTO_TEST_CASE(what_tasks_tell_is_written_once_in_a_while)
{
    const submitted_task made = submit(ann, work_for(60));
    std::set<std::string> values;
    for (int i = 0; i < 100; ++i) {
        pass(500ms);
        values.insert(store.entry("task", made.id).value());
    }
    BOOST_TEST(values.size() <= 27u);
    BOOST_TEST(values.size() >= 10u);
}

BOOST_AUTO_TEST_CASE(crash_at_any_commit_leaves_the_task_or_a_free_key)
{
    bool was_answered = false;
    for (int commits = 0; commits < 20 && !was_answered; ++commits) {
        started_trial t;
        std::vector<eventual<submitted_task>> made(3);
        for (auto& m : made)
            t.run(m, t.tasks().submit(ann, work_for(60, "k")));
        t.loop.run_present();
        for (int i = 0; i < commits; ++i)
            t.commit();
        was_answered = std::all_of(made.begin(), made.end(), [](const auto& m) { return m.ended; });
        std::string answered;
        for (auto& m : made) {
            if (m.ended)
                answered = m.get().id;
        }
        t.crash_and_start();
        const submitted_task again = t.submit(ann, work_for(60, "k"));
        BOOST_TEST(t.runs_under_way() == 1u);
        BOOST_TEST(t.kept("task") == 1u);
        BOOST_TEST(t.kept("task_key") == 1u);
        if (!answered.empty()) {
            BOOST_TEST(again.id == answered);
            BOOST_TEST(!again.created);
        }
        t.pass(61s);
        BOOST_TEST(t.state_of(again.id) == "success");
        BOOST_TEST(t.kept("task_key") == 0u);
    }
    BOOST_TEST(was_answered);
}

BOOST_AUTO_TEST_CASE(crash_at_any_commit_of_a_cancellation_is_gone_on_with)
{
    bool was_answered = false;
    for (int commits = 0; commits < 20 && !was_answered; ++commits) {
        started_trial t;
        const submitted_task made = t.submit(ann, work_for(60, "k"));
        eventual<task_cancellation> done;
        t.run(done, t.tasks().cancel(ann, made.id, false));
        t.loop.run_present();
        for (int i = 0; i < commits; ++i)
            t.commit();
        was_answered = done.ended;
        t.crash_and_start();
        t.pass(61s);
        const std::string state = t.state_of(made.id);
        BOOST_TEST((state == "cancelled" || (commits == 0 && state == "success")), state);
        BOOST_TEST(t.kept("task_key") == 0u);
    }
    BOOST_TEST(was_answered);
}

BOOST_AUTO_TEST_CASE(end_that_a_crash_has_hidden_is_noted_at_the_start)
{
    const submitted_task made = submit(ann, work_for(10, "k"));
    const json::value kept_before = json::parse(store.entry("task", made.id).value());
    const auto key_before = store.entries("task_key", {}, 0).at(0);
    pass(11s);
    journal::batch as_it_was;
    as_it_was.changes.push_back({journal::entry_verb::put, "task", made.id, json::serialize(kept_before)});
    as_it_was.changes.push_back({journal::entry_verb::put, "task_key", key_before.key, key_before.value});
    store.append(as_it_was);
    crash_and_start();
    BOOST_TEST(state_of(made.id) == "success");
    BOOST_TEST(kept("task_key") == 0u);
    BOOST_TEST(submit(ann, work_for(10, "k")).created);
}

BOOST_AUTO_TEST_CASE(tasks_that_have_ended_are_kept_by_count)
{
    rules.keep.count = 3;
    crash_and_start();
    std::string last;
    for (int i = 0; i < 10; ++i) {
        pass(1s);
        last = submit(ann, echo_of("x")).id;
    }
    const submitted_task active = submit(ann, work_for(60));
    settle();
    const task_page page = tasks().list(ann, {});
    BOOST_TEST(page.tasks.size() == 4u);
    BOOST_TEST(page.tasks.at(0).id == active.id);
    BOOST_TEST(page.tasks.at(1).id == last);
    BOOST_TEST(kept("task") == 4u);
}

BOOST_AUTO_TEST_CASE(tasks_that_have_ended_are_kept_by_age)
{
    rules.keep.age = 1h;
    crash_and_start();
    submit(ann, echo_of("old"));
    loop.run(50min);
    submit(ann, echo_of("new"));
    loop.run(15min);
    settle();
    loop.run(15min);
    settle();
    BOOST_TEST(tasks().list(ann, {}).tasks.size() == 1u);
    BOOST_TEST(kept("task") == 1u);
}

BOOST_AUTO_TEST_CASE(list_has_pages_the_latest_first_and_filters)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 25; ++i) {
        task_request wish = i % 5 == 0 ? work_for(600) : echo_of("x");
        wish.name = i % 2 == 0 ? "even" : "odd";
        ids.push_back(submit(ann, std::move(wish)).id);
        loop.run(1s);
        settle();
    }
    std::reverse(ids.begin(), ids.end());
    std::vector<std::string> seen;
    task_filter f;
    f.limit = 10;
    do {
        const task_page page = tasks().list(ann, f);
        for (const task_view& v : page.tasks)
            seen.push_back(v.id);
        f.cursor = page.next;
    } while (!f.cursor.empty());
    BOOST_TEST(seen == ids, boost::test_tools::per_element());
    f = {};
    f.active = true;
    BOOST_TEST(tasks().list(ann, f).tasks.size() == 5u);
    f.active = false;
    f.name = "odd";
    BOOST_TEST(tasks().list(ann, f).tasks.size() == 10u);
    f = {};
    f.cursor = "nonsense";
    BOOST_TEST(refusal_of([&] { static_cast<void>(tasks().list(ann, f)); }).starts_with("invalid"));
}

BOOST_AUTO_TEST_CASE(key_of_a_task_that_is_being_cancelled_is_refused_until_it_has_ended)
{
    const submitted_task made = submit(ann, work_for(60, "k"));
    eventual<task_cancellation> done;
    run(done, tasks().cancel(ann, made.id, false));
    loop.run_present();
    eventual<submitted_task> again;
    run(again, tasks().submit(ann, work_for(60, "k")));
    loop.run_present();
    BOOST_TEST(again.ended);
    BOOST_TEST(refusal_of([&] { again.get(); }) == "conflict");
    settle();
    BOOST_TEST(submit(ann, work_for(60, "k")).created);
}

BOOST_AUTO_TEST_CASE(users_submit_nothing_that_acts_on_this_machine)
{
    for (const char* name : {"shell", "docker"}) {
        task_request wish;
        wish.operator_name = name;
        BOOST_TEST(refusal_of([&] { submit(ann, wish); }).starts_with("forbidden /operator "), name);
    }
    BOOST_TEST(store.runs({}).empty());
    BOOST_TEST(submit(ann, echo_of("x")).created);
    task_request wish;
    wish.operator_name = "shell";
    wish.with = json::object{{"command", "true"}};
    BOOST_TEST(submit(admin, wish).created);
    settle();
}

BOOST_AUTO_TEST_CASE(users_submit_what_the_rules_say)
{
    rules.users_may_submit = {"trial_echo", "trial_ehco"};
    crash_and_start();
    BOOST_TEST(submit(ann, echo_of("x")).created);
    BOOST_TEST(refusal_of([&] { submit(ann, work_for(1)); }).starts_with("forbidden"));
    BOOST_TEST(submit(admin, work_for(1)).created);
    BOOST_TEST_REQUIRE(said.size() == 1u);
    BOOST_TEST(said.at(0) ==
               "`users_may_submit` names `trial_ehco`, and there is no such operator; did you mean `trial_echo`?");
    task_rules others;
    others.users_may_submit = {"trial_time", "nothing_like_it"};
    tasks().apply(std::move(others));
    BOOST_TEST_REQUIRE(said.size() == 2u);
    BOOST_TEST(said.at(1) == "`users_may_submit` names `nothing_like_it`, and there is no such operator");
    BOOST_TEST(submit(ann, work_for(1)).created);
    BOOST_TEST(refusal_of([&] { submit(ann, echo_of("x")); }).starts_with("forbidden"));
    settle();
}

BOOST_AUTO_TEST_CASE(task_that_succeeded_is_shown_as_done)
{
    const submitted_task made = submit(ann, echo_of("x"));
    BOOST_TEST(tasks().find(ann, made.id).fraction == 1);
    crash_and_start();
    BOOST_TEST(tasks().find(ann, made.id).fraction == 1);
}

BOOST_AUTO_TEST_CASE(ends_of_progress_are_whole_numbers)
{
    const auto progress = [](double fraction) {
        task_view v;
        v.fraction = fraction;
        return json::serialize(to_json(v).at("progress"));
    };
    BOOST_TEST(progress(0) == R"({"fraction":0})");
    BOOST_TEST(progress(1) == R"({"fraction":1})");
    BOOST_TEST(json::parse(progress(0.25)).at("fraction").as_double() == 0.25);
}

BOOST_AUTO_TEST_CASE(others_want_what_they_have_subscribed_to)
{
    const submitted_task made = submit(ann, work_for(60, "k", task_scope::shared));
    BOOST_TEST(!tasks().is_wanted_by_others(ann, made.id));
    submit(bob, work_for(60, "k", task_scope::shared));
    BOOST_TEST(tasks().is_wanted_by_others(ann, made.id));
    finish(tasks().cancel(bob, made.id, false));
    BOOST_TEST(!tasks().is_wanted_by_others(ann, made.id));
    BOOST_TEST(tasks().is_wanted_by_others(ann, submit(admin, work_for(60, "s", task_scope::system)).id));
    BOOST_TEST(!tasks().knows("nosuch"));
    BOOST_TEST(!tasks().is_wanted_by_others(ann, "nosuch"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_of_a_task_stops_nothing_and_is_left)
{
    for (const char* damage : {"{nonsense", "[]", R"({"id": "x"})", R"({"id": 3, "scope": "private"})"}) {
        started_trial t;
        const submitted_task lost = t.submit(ann, work_for(60, "k"));
        const submitted_task other = t.submit(ann, work_for(60, "l"));
        journal::batch b;
        b.changes.push_back({journal::entry_verb::put, "task", lost.id, damage});
        t.store.append(b);
        t.crash_and_start();
        BOOST_TEST(t.said.size() == 1u, damage);
        BOOST_TEST(t.said.at(0).find(lost.id) != std::string::npos, t.said.at(0));
        BOOST_TEST(t.store.entry("task", lost.id).value() == damage);
        BOOST_TEST(t.kept("task_key") == 2u);
        BOOST_TEST(refusal_of([&] { t.submit(ann, work_for(60, "k")); }) == "conflict");
        BOOST_TEST(t.submit(ann, work_for(60, "l")).id == other.id);
        t.pass(61s);
        BOOST_TEST(t.state_of(other.id) == "success");
        BOOST_TEST(t.store.entry("task", lost.id).value() == damage);
    }
}

BOOST_AUTO_TEST_CASE(key_that_cannot_be_read_stays_taken)
{
    for (const char* damage : {"{nonsense", "[]", R"({"task": 3})"}) {
        started_trial t;
        const std::string slot = R"(["shared","k"])";
        journal::batch b;
        b.changes.push_back({journal::entry_verb::put, "task_key", slot, damage});
        t.store.append(b);
        t.crash_and_start();
        BOOST_TEST(t.said.size() == 1u, damage);
        BOOST_TEST(t.store.entry("task_key", slot).value() == damage);
        BOOST_CHECK_THROW(t.submit(ann, work_for(60, "k", task_scope::shared)), std::exception);
        BOOST_TEST(t.submit(ann, work_for(60, "l", task_scope::shared)).created);
    }
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// Runs that cannot be begun.
struct refusing_runs final : task_runs
{
    run_id make_id() override { return run_id("a" + std::to_string(++made)); }

    task<> start(task_run) override
    {
        ++tried;
        co_await yield_now();
        if (tried <= 2)
            throw std::runtime_error("no room");
    }

    task<host::request_result> cancel(run_id) override { co_return host::request_result(); }

    std::optional<journal::run_row> find(const run_id&) override { return std::nullopt; }

    std::vector<run_id> ending() override { return {}; }

    result result_of(const run_id&) override { return {}; }

    int made = 0;
    int tried = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(task_that_cannot_be_begun_leaves_nothing_behind)
{
    server_trial t;
    refusing_runs runs;
    task_service service(t.loop, t.engine().ledger(), runs, operators());
    async_run(t.loop, "tend", service.tend(), [](const std::exception_ptr&) {});
    std::vector<eventual<submitted_task>> made(4);
    for (auto& m : made)
        t.run(m, service.submit(ann, work_for(1, "k")));
    t.settle();
    std::size_t failed = 0;
    std::set<std::string> ids;
    for (auto& m : made) {
        BOOST_TEST(m.ended);
        failed += m.error ? 1 : 0;
        if (m.value)
            ids.insert(m.value->id);
    }
    BOOST_TEST(failed == 2u);
    BOOST_TEST(ids.size() == 1u);
    BOOST_TEST(t.store.entries("task", {}, 0).size() == 1u);
    BOOST_TEST(t.store.entries("task_key", {}, 0).size() == 1u);
    BOOST_TEST(service.active() == 1u);
    t.crash_and_start();
}
