// Every command against a server that runs, as a user gives them.
#include "tests/integration/net/certificates.hpp"
#include "tests/integration/server/served.hpp"

#include <potoo/json.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace potoo::cli::test;
using potoo::server::test::served;

namespace json = potoo::json;

namespace {

const char* const demo_dag = R"(
name: demo
schedule: "0 6 * * *"
params: {who: {type: string, default: world}, n: {type: integer, default: 3}}
pools: {few: 1}
tasks:
  each:
    operator: shell
    pool: few
    foreach: [a, b, c]
    with: {command: "echo hello ${{ params.who }} ${{ item }}"}
  bad: {operator: shell, with: {command: "echo line1; echo err >&2; exit 3"}}
  never: {operator: noop, depends_on: [bad]}
)";

/// Goes on when a file `go` is there.
const char* const waiting_dag = R"(
name: waits
tasks:
  wait: {operator: shell, with: {command: "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo over"}}
  after: {operator: noop, depends_on: [wait]}
)";

/// Every item fails at first; then those of `many` wait for long.
const char* const items_dag = R"(
name: items
tasks:
  again:
    operator: shell
    foreach: [a, b]
    retry: {limit: 1, delay: 0s}
    with: {command: "[ -e ${{ item }} ] || { touch ${{ item }}; exit 1; }"}
  many:
    operator: shell
    depends_on: [again]
    foreach: [1, 2, 3, 4]
    max_active: 2
    with: {command: "sleep 600"}
)";

const char* const short_dag = "name: short\ntasks: {say: {operator: shell, with: {command: 'echo why >&2; exit 1'}}}\n";

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::string line_of(const std::string& text)
{
    return text.substr(0, text.find('\n'));
}

using dag_files = std::vector<std::pair<std::string, std::string>>;

/// A server with two DAGs, or more, and the commands that ask it.
class world
{
  public:
    explicit world(const dag_files& more = {})
    {
        std::filesystem::create_directory(w.path() / "dags");
        w.write("dags/demo.yaml", demo_dag);
        w.write("dags/waits.yaml", waiting_dag);
        for (const auto& [name, text] : more)
            w.write("dags/" + name, text);
        server.emplace(w);
        url = "http://" + server->address();
    }

    [[nodiscard]] start_options options() const
    {
        start_options o;
        o.environment["POTOO_SERVER"] = url;
        return o;
    }

    [[nodiscard]] result potoo(std::vector<std::string> arguments) const
    {
        return run_potoo(w, std::move(arguments), options());
    }

    /// Of a command that succeeds, its JSON.
    [[nodiscard]] json::value document(std::vector<std::string> arguments) const
    {
        arguments.insert(arguments.end(), {"-o", "json"});
        const result r = potoo(arguments);
        BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
        return json::parse(r.out);
    }

    /// @return the id of a new run of `waits`
    [[nodiscard]] std::string begin_waiting() const
    {
        const result r = potoo({"trigger", "waits"});
        BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
        return line_of(r.out);
    }

    /// Lets `waits` go on; the server's own folder is where its tasks run.
    void go() const { w.write("go", ""); }

    workspace w;
    std::optional<served> server;
    std::string url;
};

} // namespace

BOOST_AUTO_TEST_SUITE(server_commands)

BOOST_AUTO_TEST_CASE(triggered_run_is_followed_to_its_end)
{
    const world w;
    const result r = w.potoo({"trigger", "demo", "-p", "who=me", "-w"});
    BOOST_TEST(r.code == 1, r.err);
    BOOST_TEST(holds(r.out, "] each: running\n"), r.out);
    BOOST_TEST(holds(r.out, "] bad failed (attempt 1): exit code 3: err\n"), r.out);
    BOOST_TEST(holds(r.out, "] never: upstream_failed\n"), r.out);
    BOOST_TEST(holds(r.err, "of demo: failed\n"), r.err);
    const result events = w.potoo({"trigger", "demo", "-w", "-o", "json"});
    BOOST_TEST(events.code == 1);
    const auto last = events.out.rfind("{\"seq\"");
    BOOST_REQUIRE(last != std::string::npos);
    BOOST_TEST(json::parse(events.out.substr(last)).at("type") == "run_ended");
}

BOOST_AUTO_TEST_CASE(short_run_is_told_whole)
{
    const world w({{"short.yaml", short_dag}});
    for (int i = 0; i < 8; ++i) {
        const result r = w.potoo({"trigger", "short", "-w"});
        BOOST_TEST(r.code == 1, r.err);
        BOOST_TEST(holds(r.out, "] say: running\n"), r.out);
        BOOST_TEST(holds(r.out, "] say failed (attempt 1): exit code 1: why\n"), r.out);
        BOOST_TEST(holds(r.out, "] say: failed\n"), r.out);
    }
    const result first = w.potoo({"trigger", "short", "--id", "k", "-w", "-o", "json"});
    BOOST_TEST(holds(first.out, "\"type\":\"run_created\""), first.out);
    const result again = w.potoo({"trigger", "short", "--id", "k", "-w"});
    BOOST_TEST(again.code == 1);
    BOOST_TEST(holds(again.err, "was begun before"), again.err);
}

BOOST_AUTO_TEST_CASE(first_item_is_named_as_the_others_are)
{
    const world w(
        {{"fan.yaml", "name: fan\ntasks: {fan: {operator: shell, foreach: [x, y], retry: {limit: 1, delay: 0s}, "
                      "with: {command: exit 1}}}\n"}});
    const result r = w.potoo({"trigger", "fan", "-w"});
    BOOST_TEST(holds(r.out, "] fan[0] failed (attempt 1)"), r.out);
    BOOST_TEST(holds(r.out, "] fan[0]: running (attempt 2)\n"), r.out);
    BOOST_TEST(holds(r.out, "] fan[1]: running (attempt 2)\n"), r.out);
}

BOOST_AUTO_TEST_CASE(items_show_all_their_attempts_and_are_cancelled_together)
{
    const world w({{"items.yaml", items_dag}});
    const std::string run = line_of(w.potoo({"trigger", "items"}).out);
    program watching(w.w, {"status", run, "-w"}, w.options());
    const auto begun = [&] { return w.document({"status", run, "many"}).at("counts").as_object().contains("running"); };
    while (!begun()) {}
    const auto attempts = w.document({"status", run, "again"}).at("attempt_list");
    BOOST_TEST(attempts.as_array().size() == 4u);
    BOOST_TEST(attempts.at(0).at("state") == "failed");
    BOOST_TEST(attempts.at(1).at("state") == "success");
    const result shown = w.potoo({"status", run, "again"});
    BOOST_TEST(shown.code == 0, shown.err);
    const std::string tasks_listed = "next: `potoo status " + run + "` lists its tasks";
    BOOST_TEST(holds(w.potoo({"why", run, "nothinglikeit"}).err, tasks_listed));
    BOOST_TEST(holds(w.potoo({"why", run, "many", "--item", "9"}).err, tasks_listed));
    const result beyond = w.potoo({"logs", run, "many", "--item", "9"});
    BOOST_TEST(beyond.code == 2);
    BOOST_TEST(holds(beyond.err, "The task many has 4 items, the last is 3. They are listed by: potoo status " + run),
               beyond.err);
    const result other = w.potoo({"ls", "--dag", "itmes"});
    BOOST_TEST(other.code == 0);
    BOOST_TEST(other.err == "There are no runs of a DAG itmes; did you mean items?\n");
    const result held = w.potoo({"why", run, "many"});
    BOOST_TEST(holds(held.out, "many: running\n  2 of its items are running\n\nITEMS  STATE    FIRST  WHY\n"),
               held.out);
    BOOST_TEST(holds(held.out, "    2  queued       2  as many of its items are under way as `max_active` allows: 2\n"),
               held.out);
    const result retried = w.potoo({"retry", run, "--task", "many"});
    BOOST_TEST(holds(retried.err, "nothing of it has ended that could run once more; nothing has changed."),
               retried.err);
    const result r = w.potoo({"cancel", run, "many", "--wait"});
    BOOST_TEST(r.code == 3, r.err);
    BOOST_TEST(holds(r.err, "many of run " + run + " of items: cancelled\n"), r.err);
    BOOST_TEST(w.document({"status", run, "many"}).at("counts") == json::value({{"cancelled", 4}}));
    BOOST_TEST(watching.finish().code == 3);
    const result ended = w.potoo({"why", run, "many"});
    BOOST_TEST(holds(ended.out, "    4  cancelled      0  it has ended (cancelled)"), ended.out);
}

BOOST_AUTO_TEST_CASE(dag_that_is_no_utf8_is_listed_and_its_problems_are_lines)
{
    const world w(
        {{"latin.yaml", "name: latin\ntasks: {caf\xe9: {operator: noop}}\n"}, {"caf\xe9.yaml", "tasks: {}\n"}});
    BOOST_TEST(w.document({"ls", "--dags"}).as_array().size() == 4u);
    const result r = w.potoo({"trigger", "latin"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "before its file is mended:\n  latin.yaml:2:"), r.err);
    BOOST_TEST(!holds(r.err, ".?"), r.err);
}

BOOST_AUTO_TEST_CASE(server_and_state_directory_tell_the_same)
{
    world w;
    const std::string run = line_of(w.potoo({"trigger", "demo"}).out);
    BOOST_TEST(w.potoo({"status", run, "-w"}).code == 1);
    const std::vector<std::vector<std::string>> commands{{"ls"},
                                                         {"ls", "-o", "json"},
                                                         {"ls", "--in", "failed", "--dag", "demo"},
                                                         {"ls", "--in", "success"},
                                                         {"status"},
                                                         {"status", "-o", "json"},
                                                         {"status", run.substr(0, 6), "each"},
                                                         {"status", "last", "bad"},
                                                         {"logs", "last"},
                                                         {"logs", run, "each", "--item", "1"},
                                                         {"logs", run, "bad", "--attempt", "2"},
                                                         {"status", run, "-w"},
                                                         {"logs", run, "-f"},
                                                         {"diff", run, "last"},
                                                         {"diff", run, "last", "-o", "json"}};
    std::vector<result> at_server;
    for (const auto& c : commands)
        at_server.push_back(w.potoo(c));
    BOOST_TEST(w.server->stop().code == 0);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        auto here = commands[i];
        here.insert(here.end(), {"--state", "state"});
        const result r = run_potoo(w.w, here);
        BOOST_TEST_CONTEXT(commands[i].front() << " " << commands[i].back())
        {
            if (commands[i].back() != "json" || commands[i].front() == "diff")
                BOOST_TEST(r.out == at_server[i].out);
            else
                BOOST_TEST((json::parse(r.out) == json::parse(at_server[i].out)), r.out << at_server[i].out);
            BOOST_TEST(r.code == at_server[i].code);
            BOOST_TEST(r.err == at_server[i].err);
        }
    }
}

BOOST_AUTO_TEST_CASE(following_ends_with_a_signal_and_the_run_does_not)
{
    world w;
    const std::string run = w.begin_waiting();
    const std::vector<std::pair<std::vector<std::string>, std::string>> followers{
        {{"status", run.substr(0, 5), "-w"}, "running"},
        {{"logs", "-f"}, "begun"},
    };
    for (const auto& [arguments, shown] : followers) {
        program p(w.w, arguments, w.options());
        BOOST_REQUIRE(p.wait_for(shown));
        p.signal(SIGINT);
        const result r = p.finish();
        BOOST_TEST(r.code == 3);
        BOOST_TEST(holds(r.err, "SIGINT: the run goes on without this command. How it goes: potoo status " + run),
                   r.err);
    }
    BOOST_TEST(w.document({"status", run}).at("state") == "running");
    program p(w.w, {"status", "-w"}, w.options());
    BOOST_REQUIRE(p.wait_for("running"));
    program logs(w.w, {"logs", "-f"}, w.options());
    BOOST_REQUIRE(logs.wait_for("begun"));
    w.go();
    const result watched = p.finish();
    BOOST_TEST(watched.code == 0, watched.err);
    BOOST_TEST(holds(watched.out, "] after: success\n"), watched.out);
    const result followed = logs.finish();
    BOOST_TEST(followed.code == 0);
    BOOST_TEST(holds(followed.out, "begun\nover\n"), followed.out);
}

BOOST_AUTO_TEST_CASE(run_is_cancelled_paused_and_retried)
{
    world w;
    const std::string run = w.begin_waiting();
    BOOST_TEST(holds(w.potoo({"pause", run}).err, "Back: potoo resume " + run));
    BOOST_TEST(holds(w.potoo({"pause", run}).err, "was paused before; nothing has changed"));
    BOOST_TEST(w.document({"status"}).at("state") == "paused");
    BOOST_TEST(w.document({"why", "last", "after"}).at("state") == "pending");
    BOOST_TEST(holds(w.potoo({"resume", run.substr(0, 6)}).err, "goes on"));
    const result one = w.potoo({"cancel", run, "after", "--wait"});
    BOOST_TEST(one.code == 3, one.err);
    BOOST_TEST(holds(one.err, "after of run " + run + " of waits: cancelled\n"), one.err);
    const result all = w.potoo({"cancel", "--all", "--wait"});
    BOOST_TEST(all.code == 3, all.err);
    BOOST_TEST(holds(all.err, "run " + run + " of waits: cancelled\n"), all.err);
    BOOST_TEST(w.potoo({"cancel", run}).code == 0);
    BOOST_TEST(holds(w.potoo({"cancel", "--all"}).err, "Nothing to cancel: no run at " + w.url));
    w.go();
    const result retried = w.potoo({"retry", run});
    BOOST_TEST(retried.code == 0, retried.err);
    const result end = w.potoo({"status", run, "-w"});
    BOOST_TEST(end.code == 0, end.out << end.err);
    const result ended = w.potoo({"cancel", run});
    BOOST_TEST(ended.code == 2);
    BOOST_TEST(holds(ended.err, "has ended (success): there is nothing to cancel"), ended.err);
}

BOOST_AUTO_TEST_CASE(request_with_an_id_begins_one_run)
{
    world w;
    const result first = w.potoo({"trigger", "waits", "--id", "order-1", "--name", "the first"});
    const result second = w.potoo({"trigger", "waits", "--id", "order-1", "--name", "the first"});
    BOOST_TEST(first.code == 0, first.err);
    BOOST_TEST(first.out == second.out);
    BOOST_TEST(holds(second.err, "was begun before"), second.err);
    BOOST_TEST(w.document({"ls"}).as_array().size() == 1);
    const result other = w.potoo({"trigger", "waits", "--id", "order-1", "--name", "another"});
    BOOST_TEST(other.code == 2, other.err);
}

BOOST_AUTO_TEST_CASE(dags_are_listed_paused_and_resumed)
{
    world w;
    const auto dags = w.document({"ls", "--dags"});
    BOOST_REQUIRE(dags.as_array().size() == 2);
    BOOST_TEST(dags.at(0).at("name") == "demo");
    BOOST_TEST(holds(w.potoo({"pause", "--dag", "demo"}).err, "potoo resume --dag demo"));
    BOOST_TEST(holds(w.potoo({"ls", "--dags"}).out, "paused\n"));
    BOOST_TEST(w.potoo({"resume", "--dag", "demo"}).code == 0);
    BOOST_TEST(!holds(w.potoo({"ls", "--dags"}).out, "paused"));
}

BOOST_AUTO_TEST_CASE(schedule_that_lacks_a_parameter_is_noted_and_not_replayed)
{
    const std::string tasks = "tasks: {a: {operator: noop}}\n";
    const world w({{"needs.yaml", "name: needs\nschedule: '@daily'\nparams: {who: {type: string}}\n" + tasks},
                   {"second.yaml", "name: demo\n" + tasks}});
    const std::string why = "`who` must be given";
    while (w.document({"ls", "--dags"}).at(2).at("schedule_problem").is_null()) {}
    const json::value dags = w.document({"ls", "--dags"});
    BOOST_TEST(dags.at(0).at("file") == "demo.yaml");
    BOOST_TEST(dags.at(0).at("next_run").is_string());
    BOOST_TEST(dags.at(1).at("file") == "second.yaml");
    BOOST_TEST(dags.at(1).at("next_run").is_null());
    BOOST_TEST(dags.at(2).at("next_run").is_string());
    const std::string listed = w.potoo({"ls", "--dags"}).out;
    BOOST_TEST(holds(listed, why), listed);
    for (const std::string more : {"--dry-run", "--parallel=2"}) {
        const result refused = w.potoo({"replay", "needs", "--from", "2026-11-01", "--to", "2026-11-03", more});
        BOOST_TEST(refused.code == 2);
        BOOST_TEST(holds(refused.err, why), refused.err);
    }
    BOOST_TEST(w.document({"replay", "--list"}).as_array().empty());
}

BOOST_AUTO_TEST_CASE(tasks_are_submitted_awaited_shared_and_cancelled)
{
    world w;
    const result hello = w.potoo({"submit", "shell", "-w", "command=echo hello", "--wait"});
    BOOST_TEST(hello.code == 0, hello.err);
    BOOST_TEST(hello.out == "\"hello\"\n");
    const result bad = w.potoo({"submit", "shell", "--with", "{\"command\": \"exit 4\"}", "--wait"});
    BOOST_TEST(bad.code == 1);
    BOOST_TEST(holds(bad.err, "failed: exit code 4"), bad.err);
    const result one = w.potoo({"submit", "sleep", "-w", "for=1h", "--key", "k", "--name", "long"});
    const result same = w.potoo({"submit", "sleep", "-w", "for=1h", "--key", "k"});
    BOOST_TEST(one.out == same.out);
    BOOST_TEST(holds(same.err, "you have joined it"), same.err);
    const std::string id = line_of(one.out);
    const std::string listed = w.potoo({"ls", "--by", "task"}).out;
    BOOST_TEST(holds(listed, "  task long\n"), listed);
    BOOST_TEST(holds(listed, "  task\n"), listed);
    BOOST_TEST(w.document({"tasks", "--active"}).as_array().size() == 1);
    program waiting(w.w, {"submit", "sleep", "-w", "for=1h", "--key", "k", "--wait"}, w.options());
    BOOST_REQUIRE(waiting.wait_for("you have joined it"));
    BOOST_TEST(w.potoo({"tasks", id, "--cancel"}).code == 0);
    BOOST_TEST(waiting.finish().code == 3);
    BOOST_TEST(w.document({"tasks", id}).at("state") == "cancelled");
}

BOOST_AUTO_TEST_CASE(callback_is_completed_with_what_its_token_permits)
{
    world w;
    w.w.write("ask.yaml", "name: asks\nplugins: ['" CALLBACK_PLUGIN "']\n"
                          "tasks: {ask: {operator: test_ask, with: {token_file: token}}}\n");
    std::filesystem::rename(w.w.path() / "ask.yaml", w.w.path() / "dags" / "ask.yaml");
    // The folder is watched: it takes a moment until the file is seen.
    result begun = w.potoo({"trigger", "asks"});
    while (holds(begun.err, "There is no DAG"))
        begun = w.potoo({"trigger", "asks"});
    BOOST_REQUIRE_MESSAGE(begun.code == 0, begun.err);
    std::string token;
    while (token.empty() && w.document({"status", "last"}).at("state") == "running")
        token = w.w.read("token");
    BOOST_REQUIRE(!token.empty());
    const result wrong = w.potoo({"complete", token + "x", "--output", "1"});
    BOOST_TEST(wrong.code == 2, wrong.err);
    const result done = w.potoo({"complete", token, "--output", "{\"ok\": true}"});
    BOOST_TEST(done.code == 0, done.err);
    BOOST_TEST(holds(done.err, "Completed: run " + line_of(begun.out)), done.err);
    BOOST_TEST(w.potoo({"status", "last", "-w"}).code == 0);
    BOOST_TEST(w.document({"status", "last"}).at("tasks").at(0).at("output") == json::value({{"ok", true}}));
    const result again = w.potoo({"complete", token, "--output", "{\"ok\": true}"});
    BOOST_TEST(again.code == 0, again.err);
    BOOST_TEST(holds(again.err, "nothing has changed"), again.err);
}

BOOST_AUTO_TEST_CASE(server_with_a_certificate_of_its_own_needs_its_authority)
{
    const workspace w;
    std::filesystem::create_directory(w.path() / "dags");
    const auto file = [](const char* name) { return potoo::test::shared_certificates().file(name); };
    program server(w, {"server", "--dags", "dags", "--state", "state", "--listen", "127.0.0.1:0", "--tls-cert",
                       file("server.pem"), "--tls-key", file("server.key")});
    BOOST_REQUIRE(server.wait_for("ready"));
    const std::string& told = server.told();
    const auto from = told.find("https://");
    const std::string url = told.substr(from, told.find_first_of(" \n", from) - from);
    BOOST_TEST(run_potoo(w, {"ls", "--server", url, "--ca-file", file("ca.pem")}).code == 0);
    const result unknown = run_potoo(w, {"ls", "--server", url});
    BOOST_TEST(unknown.code == 4);
    BOOST_TEST(holds(unknown.err, "--ca-file FILE"), unknown.err);
    const result plain = run_potoo(w, {"ls", "--server", "http" + url.substr(5)});
    BOOST_TEST(plain.code == 4);
    BOOST_TEST(holds(plain.err, "https://"), plain.err);
    BOOST_TEST(run_potoo(w, {"ls", "--server", url, "--ca-file", "none.pem"}).code == 2);
}

BOOST_AUTO_TEST_CASE(completion_offers_what_the_server_has)
{
    world w;
    BOOST_TEST(w.potoo({"complete-words", "dags"}).out == "demo\nwaits\n");
    const std::string run = w.begin_waiting();
    BOOST_TEST(w.potoo({"complete-words", "runs", "status", "--whatever"}).out == run + "\n");
}

BOOST_AUTO_TEST_CASE(pools_are_resized_for_good)
{
    world w;
    BOOST_TEST(w.document({"pools", "few", "--slots", "5"}).at("slots") == 5);
    BOOST_TEST(w.document({"pools", "few"}).at("slots") == 5);
    BOOST_TEST(w.server->stop().code == 0);
    const result r = run_potoo(w.w, {"pools", "few", "--slots", "2", "--state", "state"});
    BOOST_TEST(r.code == 0, r.err);
    w.server.emplace(w.w);
    w.url = "http://" + w.server->address();
    BOOST_TEST(w.document({"pools", "few"}).at("slots") == 2);
}

BOOST_AUTO_TEST_CASE(pools_are_reset_at_a_server_and_in_a_state_directory)
{
    world w;
    const result none = w.potoo({"pools", "few", "--reset"});
    BOOST_TEST(none.code == 2);
    BOOST_TEST(holds(none.err, "Nobody has resized a pool few: it has the slots that the DAGs declare"), none.err);
    BOOST_TEST(w.potoo({"pools", "few", "--slots", "5"}).code == 0);
    BOOST_TEST(w.document({"pools", "few", "--reset"}).at("resized") == false);
    BOOST_TEST(w.potoo({"pools", "few", "--slots", "5"}).code == 0);
    const result at_work = run_potoo(w.w, {"pools", "few", "--reset", "--state", "state"});
    BOOST_TEST(at_work.code == 0, at_work.err);
    BOOST_TEST(w.document({"pools"}).as_array().empty());
    BOOST_TEST(w.potoo({"pools", "few", "--slots", "5"}).code == 0);
    BOOST_TEST(w.server->stop().code == 0);
    const result alone = run_potoo(w.w, {"pools", "few", "--reset", "--state", "state"});
    BOOST_TEST(alone.code == 0, alone.err);
    BOOST_TEST(holds(alone.err, "pool few has the slots again that the DAGs declare."), alone.err);
    const result again = run_potoo(w.w, {"pools", "few", "--reset", "--state", "state"});
    BOOST_TEST(again.code == 2);
    BOOST_TEST(holds(again.err, "nobody has resized a pool few"), again.err);
    BOOST_TEST(run_potoo(w.w, {"pools", "few", "--reset", "--state", "elsewhere"}).code == 4);
    BOOST_TEST(!w.w.has("elsewhere"));
    BOOST_TEST(run_potoo(w.w, {"pools", "few", "--reset", "--slots", "2", "--state", "state"}).code == 2);
}

BOOST_AUTO_TEST_CASE(schedule_is_replayed_over_a_range)
{
    world w;
    const result plan = w.potoo({"replay", "demo", "--from", "2026-11-01", "--to", "2026-11-03", "--dry-run"});
    BOOST_TEST(plan.code == 0, plan.err);
    BOOST_TEST(plan.out == "2026-11-01T06:00:00.000Z\n2026-11-02T06:00:00.000Z\n");
    BOOST_TEST(holds(plan.err, "2 runs would begin; nothing was done."), plan.err);
    BOOST_TEST(w.document({"ls"}).as_array().empty());
    const result begun = w.potoo({"replay", "demo", "--from", "2026-11-01", "--to", "2026-11-03", "--parallel", "2"});
    BOOST_TEST(begun.code == 0, begun.err);
    BOOST_TEST(holds(w.potoo({"replay", "--list"}).out, line_of(begun.out)));
    while (w.document({"ls"}).as_array().size() < 2) {}
    const result listed = w.potoo({"ls"});
    BOOST_TEST(holds(line_of(listed.out), "  SCHEDULED (UTC)      FROM"), listed.out);
    BOOST_TEST(holds(listed.out, "  2026-11-01 06:00:00  replay " + line_of(begun.out) + "\n"), listed.out);
    const result shown = w.potoo({"status", "last"});
    BOOST_TEST(holds(shown.out, "\ndue      2026-11-02 06:00:00 UTC\nfrom     replay " + line_of(begun.out) + "\n"),
               shown.out);
    BOOST_TEST(w.potoo({"replay", "--cancel", line_of(begun.out)}).code == 0);
    BOOST_TEST(w.potoo({"replay", "waits", "--from", "2026-11-01", "--to", "2026-11-03"}).code == 2);
}

BOOST_AUTO_TEST_CASE(replay_with_an_id_is_begun_once)
{
    world w;
    const auto replay = [&](const std::string& to, const std::string& id) {
        return w.potoo({"replay", "demo", "--from", "2026-11-01", "--to", to, "--id", id});
    };
    const result first = replay("2026-11-02", "november-1");
    BOOST_TEST(first.code == 0, first.err);
    BOOST_TEST(first.out == "november-1\n");
    BOOST_TEST(!holds(first.err, "was begun before"), first.err);
    const result again = replay("2026-11-02", "november-1");
    BOOST_TEST(again.code == 0, again.err);
    BOOST_TEST(again.out == first.out);
    BOOST_TEST(holds(again.err, "replay november-1 of demo was begun before, by the same --id: 1 run,"), again.err);
    BOOST_TEST(w.document({"replay", "--list"}).as_array().size() == 1u);
    const auto state = [&] { return w.document({"replay", "--list"}).at(0).at("state"); };
    while (state() != "done") {}
    const result cancelled = w.potoo({"replay", "--cancel", "november-1"});
    BOOST_TEST(cancelled.code == 0);
    BOOST_TEST(cancelled.err == "replay november-1 is over (done); nothing changed.\n");
    const result other = replay("2026-11-03", "november-1");
    BOOST_TEST(other.code == 2);
    BOOST_TEST(holds(other.err, "choose another id"), other.err);
    const result wrong = replay("2026-11-02", "../november");
    BOOST_TEST(wrong.code == 2);
    BOOST_TEST(holds(wrong.err, "--id: ../november: write up to 64 letters"), wrong.err);
    BOOST_TEST(w.potoo({"replay", "--list", "--id", "november-1"}).code == 2);
}

BOOST_AUTO_TEST_CASE(tokens_let_in_what_their_role_allows)
{
    world w;
    const result first = w.potoo({"token", "create", "bob"});
    BOOST_TEST(first.code == 2);
    BOOST_TEST(holds(first.err, "first token must be an admin"), first.err);
    const std::string admin = line_of(w.potoo({"token", "create", "ann", "--role", "admin"}).out);
    const auto with = [&](const std::string& token, std::vector<std::string> arguments) {
        start_options o = w.options();
        o.environment["POTOO_TOKEN"] = token;
        return run_potoo(w.w, std::move(arguments), std::move(o));
    };
    const result none = w.potoo({"ls"});
    BOOST_TEST(none.code == 4);
    BOOST_TEST(holds(none.err, "give a token with POTOO_TOKEN or --token-file"), none.err);
    BOOST_TEST(with("potoo_wrong", {"ls"}).code == 4);
    BOOST_TEST(with("two words", {"ls"}).code == 2);
    w.w.write("token",
              line_of(with(admin, {"token", "create", "vic", "--role", "viewer", "--expires", "1h"}).out) + "\n");
    BOOST_TEST(w.potoo({"ls", "--token-file", "token"}).code == 0);
    const result forbidden = w.potoo({"trigger", "demo", "--token-file", "token"});
    BOOST_TEST(forbidden.code == 4);
    BOOST_TEST(with(admin, {"trigger", "demo"}).code == 0);
    const result ls = with(admin, {"ls"});
    BOOST_TEST(holds(ls.out, "  api by ann\n"), ls.out);
    BOOST_TEST(!holds(ls.out, "SCHEDULED"), ls.out);
    BOOST_TEST(holds(forbidden.err, "403 Forbidden"), forbidden.err);
    const result listed = with(admin, {"token", "list", "-o", "json"});
    BOOST_REQUIRE_MESSAGE(listed.code == 0, listed.err);
    const json::value tokens = json::parse(listed.out);
    for (const json::value& t : tokens.as_array())
        if (t.at("name") == "vic")
            BOOST_TEST(with(admin, {"token", "revoke", std::string(t.at("id").as_string())}).code == 0);
    BOOST_TEST(w.potoo({"ls", "--token-file", "token"}).code == 4);
    BOOST_TEST(with(admin, {"token", "revoke", "nobody"}).code == 2);
    const std::string whole = line_of(with(admin, {"token", "create", "eve"}).out);
    const result revoked = with(admin, {"token", "revoke", whole});
    BOOST_TEST(revoked.code == 0, revoked.err);
    const std::string secret = whole.substr(whole.rfind('_') + 1);
    BOOST_TEST(!holds(revoked.err, secret), revoked.err);
    BOOST_TEST(!holds(with(admin, {"token", "revoke", "potoo_0000000000_" + secret}).err, secret));
}

BOOST_AUTO_TEST_CASE(who_cancels_the_run_of_a_shared_task_is_told_how_to_leave_it)
{
    const world w;
    const std::string admin = line_of(w.potoo({"token", "create", "ann", "--role", "admin"}).out);
    const auto with = [&](const std::string& token, std::vector<std::string> arguments) {
        start_options o = w.options();
        o.environment["POTOO_TOKEN"] = token;
        return run_potoo(w.w, std::move(arguments), std::move(o));
    };
    const std::string bob = line_of(with(admin, {"token", "create", "bob"}).out);
    const std::string eve = line_of(with(admin, {"token", "create", "eve"}).out);
    const std::vector<std::string> wish{"submit", "sleep", "-w", "for=1h", "--key", "k", "--scope", "shared"};
    const std::string id = line_of(with(bob, wish).out);
    BOOST_TEST(line_of(with(eve, wish).out) == id);
    const result refused = with(bob, {"cancel", id});
    BOOST_TEST(refused.code == 2, refused.err);
    BOOST_TEST(holds(refused.err, "`potoo tasks " + id + " --cancel`"), refused.err);
    BOOST_TEST(holds(with(bob, {"tasks", id, "--cancel"}).err, "You have left task " + id));
}

BOOST_AUTO_TEST_CASE(tokens_are_made_in_a_state_directory_before_there_is_a_server)
{
    const workspace w;
    const result refused = run_potoo(w, {"token", "create", "bob", "--state", "state"});
    BOOST_TEST(refused.code == 2);
    BOOST_TEST(holds(refused.err, "no state directory 'state': it is made now"), refused.err);
    BOOST_TEST(holds(refused.err, ": potoo server --state state\n"), refused.err);
    const result made = run_potoo(w, {"token", "create", "--name", "ann", "--role", "admin", "--state", "state"});
    BOOST_TEST(made.code == 0, made.err);
    BOOST_TEST(!holds(made.err, "made now"), made.err);
    BOOST_TEST(run_potoo(w, {"token", "revoke", "x", "--state", "nosuch"}).code == 4);
    BOOST_TEST(!w.has("nosuch"));
    BOOST_TEST(made.out.starts_with("potoo_"), made.out);
    const result listed = run_potoo(w, {"token", "list", "--state", "state"});
    BOOST_TEST(holds(listed.out, "ann   admin  good"), listed.out);
    std::filesystem::create_directory(w.path() / "dags");
    const served server(w);
    start_options o;
    o.environment["POTOO_TOKEN"] = line_of(made.out);
    BOOST_TEST(run_potoo(w, {"ls", "--server", "http://" + server.address()}, o).code == 0);
    BOOST_TEST(run_potoo(w, {"ls", "--server", "http://" + server.address()}).code == 4);
    const result busy = run_potoo(w, {"token", "create", "eve", "--state", "state"});
    BOOST_TEST(busy.code == 4);
    BOOST_TEST(holds(busy.err, "is at work on the state directory 'state'"), busy.err);
    BOOST_TEST(holds(busy.err, "through the server only: potoo token create eve --role user --server URL"), busy.err);
    const result revoking = run_potoo(w, {"token", "revoke", line_of(made.out), "--state", "state"});
    BOOST_TEST(revoking.code == 4);
    BOOST_TEST(holds(revoking.err, "only: potoo token revoke "), revoking.err);
}

BOOST_AUTO_TEST_CASE(mistakes_are_told_with_what_to_do)
{
    world w;
    const auto refused = [&](std::vector<std::string> arguments, int code, std::string_view why) {
        const std::string named = arguments.front() + " … " + arguments.back();
        const result r = w.potoo(std::move(arguments));
        BOOST_TEST_CONTEXT(named)
        {
            BOOST_TEST(r.code == code, r.err);
            BOOST_TEST(holds(r.err, why), r.err);
            BOOST_TEST(r.out.empty());
        }
    };
    refused({"trigger", "dmeo"}, 2, "did you mean demo?");
    refused({"trigger", "demo", "-p", "n=x"}, 2, "`n` must be a whole number");
    refused({"trigger", "demo", "-p", "whoo=x"}, 2, "did you mean `who`?");
    refused({"status"}, 2, "there is no run at " + w.url);
    refused({"status", "zzzz"}, 2, "there is no run zzzz at " + w.url);
    refused({"submit", "shel"}, 2, "did you mean shell?");
    refused({"submit", "shell", "--with", "[1]"}, 2, "--with takes a JSON object");
    refused({"tasks", "--limit", "-1"}, 2, "--limit: -1: write a whole number");
    refused({"tasks", "nope"}, 2, "`potoo tasks` lists");
    refused({"token", "revoke", "nope"}, 2, "error: There is no token nope\n");
    refused({"token", "revoke", "nope"}, 2, "`potoo token list` lists");
    refused({"replay", "--cancel", "nope"}, 2, "error: There is no replay nope that you may see\n");
    refused({"replay", "--cancel", "nope"}, 2, "`potoo replay --list` lists");
    refused({"ls", "--by", "replays"}, 2, "did you mean replay?");
    refused({"pools", "--reset"}, 2, "potoo pools NAME --reset");
    refused({"pools", "nope"}, 2, "no run under way names a pool nope");
    refused({"replay", "demo", "--from", "yesterday", "--to", "2026-11-01"}, 2, "write a day");
    refused({"replay", "demo"}, 2, "--from TIME and --to TIME");
    refused({"ls", "--in", "nope"}, 2, "must be one of queued, running");
    refused({"resume"}, 2, "which run shall go on?");
    refused({"resume", "last", "--json"}, 2, "--json is for an engine of this program");
    refused({"ls", "--state", "state", "--server", w.url}, 2, "--state and --server exclude each other");
    refused({"retry", "last", "--failed"}, 2, "name them with --task");
    refused({"token", "lst"}, 2, "did you mean list?");
    refused({"ls", "--server", "http://127.0.0.1:1"}, 4, "is `potoo server` running there");
    refused({"ls", "--server", "127.0.0.1:8080"}, 2, "does not begin with http:// or https://");
    refused({"ls", "--server", "https://" + w.server->address()}, 4, "its address begins http://");
    refused({"ls", "--token-file", "nothing"}, 2, "'nothing' cannot be read");
}

BOOST_AUTO_TEST_CASE(commands_without_a_server_ask_which)
{
    const workspace w;
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"trigger", "demo"}, {"submit", "shell"}, {"tasks"}, {"replay", "--list"}, {"ls", "--dags"}}) {
        const result r = run_potoo(w, arguments);
        BOOST_TEST(r.code == 2, arguments.front());
        BOOST_TEST(holds(r.err, "with --server URL or POTOO_SERVER"), r.err);
    }
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_CASE(stream_goes_on_after_the_server_has_started_anew)
{
    world w;
    const std::string run = w.begin_waiting();
    program p(w.w, {"status", "-w", run}, w.options());
    BOOST_REQUIRE(p.wait_for("after  pending"));
    program logs(w.w, {"logs", "-f", run}, w.options());
    BOOST_REQUIRE(logs.wait_for("begun"));
    BOOST_TEST(w.server->stop().code == 0);
    BOOST_REQUIRE(p.wait_for("was lost; trying again"));
    BOOST_REQUIRE(logs.wait_for("was lost; trying again"));
    w.go();
    const program again(w.w, {"server", "--dags", "dags", "--state", "state", "--listen", w.server->address()});
    const result r = p.finish();
    BOOST_TEST(r.code == 0, r.out << r.err);
    BOOST_TEST(holds(r.out, "] after: success\n"), r.out);
    const result logged = logs.finish();
    BOOST_TEST(logged.code == 0, logged.err);
    BOOST_TEST(holds(logged.out, "over\n"), logged.out);
}

BOOST_AUTO_TEST_CASE(configuration_is_checked)
{
    const workspace w;
    std::filesystem::create_directory(w.path() / "dags");
    w.write("good.yaml", "listen: 127.0.0.1:9090\n");
    w.write("bad.yaml", "lissten: 127.0.0.1:9090\n");
    const result good = run_potoo(w, {"config", "check", "good.yaml"});
    BOOST_TEST(good.code == 0, good.err);
    BOOST_TEST(holds(good.out, "good.yaml is valid"), good.out);
    const result bad = run_potoo(w, {"config", "check", "bad.yaml"});
    BOOST_TEST(bad.code == 2);
    BOOST_TEST(holds(bad.err, "bad.yaml:1:1"), bad.err);
    BOOST_TEST(run_potoo(w, {"config", "check"}).code == 2);
    BOOST_TEST(json::parse(run_potoo(w, {"config", "schema"}).out).is_object());
}

BOOST_AUTO_TEST_SUITE_END()
