// Cancelling, while an engine is at work and while none is.
#include "stopped_runs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace potoo::cli::test;

namespace {

std::string state_of(const workspace& w, const std::string& run, const std::string& state = ".potoo")
{
    const result r = run_potoo(w, {"status", run, "-o", "json", "--state", state});
    BOOST_REQUIRE_MESSAGE(r.code == 0, r.err);
    return std::string(boost::json::parse(r.out).at("state").as_string());
}

} // namespace

BOOST_AUTO_TEST_SUITE(control)

BOOST_AUTO_TEST_CASE(running_run_is_cancelled_and_waited_for)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    const std::string id = begun_run(p);
    const result r = run_potoo(w, {"cancel", id.substr(0, 6), "--wait"});
    BOOST_TEST(r.code == 3, r.err);
    BOOST_TEST(holds(r.err, "run " + id + " of waits is being cancelled"), r.err);
    BOOST_TEST(holds(r.err, "run " + id + " of waits: cancelled\n"), r.err);
    BOOST_TEST(r.out.empty());
    BOOST_TEST(p.finish().code == 3);
    BOOST_TEST(w.read("done") == "once\n");
    BOOST_TEST(!w.has(".potoo/control.sock"));
}

BOOST_AUTO_TEST_CASE(run_is_cancelled_as_soon_as_it_has_begun)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    const std::string id = begun_run(p);
    BOOST_TEST(run_potoo(w, {"cancel", id}).code == 0);
    BOOST_TEST(p.finish().code == 3);
    BOOST_TEST(state_of(w, id) == "cancelled");
}

BOOST_AUTO_TEST_CASE(cancellation_without_an_engine_is_carried_out_by_the_next)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    const result r = run_potoo(w, {"cancel", id});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "potoo resume " + id), r.err);
    BOOST_TEST(state_of(w, id) == "cancelling");
    const result listed = run_potoo(w, {"ls"});
    BOOST_TEST(holds(listed.out, "cancelling"), listed.out);
    // What it waits for would come at once.
    w.write("go", "");
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    BOOST_TEST(state_of(w, id) == "cancelled");
    BOOST_TEST(w.read("done") == "once\n");
}

BOOST_AUTO_TEST_CASE(second_request_changes_nothing)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    BOOST_TEST(run_potoo(w, {"cancel", id}).code == 0);
    const result again = run_potoo(w, {"cancel", id});
    BOOST_TEST(again.code == 0);
    BOOST_TEST(holds(again.err, "nothing has changed"), again.err);
    w.write("b.yaml", stubborn_dag);
    program p(w, {"run", "b.yaml", "--only", "--json"});
    BOOST_REQUIRE(p.wait_for("held"));
    BOOST_TEST(holds(run_potoo(w, {"cancel", "last", "-o", "json"}).out, "\"result\":\"accepted\""));
    const result third = run_potoo(w, {"cancel", "last", "-o", "json"});
    BOOST_TEST(holds(third.out, "\"result\":\"repeated\""), third.out);
}

BOOST_AUTO_TEST_CASE(run_that_has_ended_says_how)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    const result r = run_potoo(w, {"cancel", latest_run(w)});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "has ended (success): there is nothing to cancel"), r.err);
    BOOST_TEST(run_potoo(w, {"resume", latest_run(w)}).code == 2);
    const result last = run_potoo(w, {"cancel", "last"});
    BOOST_TEST(last.code == 2);
    BOOST_TEST(holds(last.err, "no run in .potoo is unfinished"), last.err);
}

BOOST_AUTO_TEST_CASE(single_task_is_cancelled)
{
    const workspace w;
    w.write("a.yaml", R"(tasks:
  first: {operator: file_sensor, allow_failure: true, with: {path: never, interval: 20ms}}
  second: {operator: file_sensor, with: {path: go, interval: 20ms}}
)");
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("second: running"));
    BOOST_TEST(run_potoo(w, {"cancel", "last", "first", "--wait"}).code == 3);
    const result wrong = run_potoo(w, {"cancel", "last", "secnod"});
    BOOST_TEST(wrong.code == 2);
    BOOST_TEST(holds(wrong.err, "did you mean second?"), wrong.err);
    const result ended = run_potoo(w, {"cancel", "last", "first"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(holds(ended.err, "task first has ended (cancelled); nothing has changed"), ended.err);
    w.write("go", "");
    const result r = p.finish();
    BOOST_TEST(holds(r.err, "first: cancelled"), r.err);
    BOOST_TEST(holds(r.err, "second: success"), r.err);
}

BOOST_AUTO_TEST_CASE(run_that_is_cancelled_may_be_cancelled_again)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    BOOST_TEST(run_potoo(w, {"cancel", id}).code == 0);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    const result again = run_potoo(w, {"cancel", id});
    BOOST_TEST(again.code == 0);
    BOOST_TEST(holds(again.err, "has ended (cancelled); nothing has changed"), again.err);
    BOOST_TEST(run_potoo(w, {"cancel", id, "--wait"}).code == 3);
}

BOOST_AUTO_TEST_CASE(prefix_of_several_runs_is_refused_even_if_one_is_unfinished)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    w.write("b.yaml", "tasks: {a: {operator: noop}}\n");
    const std::string id = stopped_run(w, "a.yaml");
    const std::string prefix = id.substr(0, 1);
    // An id begins with one of 26 letters: it takes as many runs as it takes.
    do
        BOOST_REQUIRE(run_potoo(w, {"run", "b.yaml", "--only"}).code == 0);
    while (latest_run(w).substr(0, 1) != prefix);
    for (const char* command : {"cancel", "resume", "status"}) {
        const result r = run_potoo(w, {command, prefix});
        BOOST_TEST(r.code == 2);
        BOOST_TEST(holds(r.err, "several runs begin with " + prefix), r.err);
    }
}

BOOST_AUTO_TEST_CASE(waiting_may_be_given_up)
{
    const workspace w;
    w.write("a.yaml", stubborn_dag);
    program engine(w, {"run", "a.yaml", "--json"});
    BOOST_REQUIRE(engine.wait_for("held"));
    program p(w, {"cancel", "last", "--wait"});
    BOOST_REQUIRE(p.wait_for("is being cancelled"));
    p.signal(SIGINT);
    const result r = p.finish();
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.err, "SIGINT: the cancellation goes on without this command"), r.err);
}

BOOST_AUTO_TEST_CASE(engine_that_stands_still_is_named_and_waited_for)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program engine(w, {"run", "a.yaml"});
    BOOST_REQUIRE(engine.wait_for("wait: running"));
    engine.signal(SIGSTOP);
    program p(w, {"cancel", "last"});
    BOOST_TEST(p.wait_for("The engine (process " + std::to_string(engine.pid())));
    engine.signal(SIGCONT);
    const result r = p.finish();
    BOOST_TEST(r.code == 0);
    BOOST_TEST(holds(r.err, "is being cancelled"), r.err);
    BOOST_TEST(engine.finish().code == 3);
}

BOOST_AUTO_TEST_CASE(state_of_another_user_is_not_said_to_be_missing)
{
    if (::geteuid() == 0)
        return;
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    std::filesystem::permissions(w.path() / ".potoo", std::filesystem::perms::none);
    for (const char* command : {"status", "resume"}) {
        const result r = run_potoo(w, {command});
        BOOST_TEST(r.code == 4);
        BOOST_TEST(holds(r.err, "cannot be looked into: Permission denied"), r.err);
    }
    std::filesystem::permissions(w.path() / ".potoo", std::filesystem::perms::owner_all);
}

BOOST_AUTO_TEST_CASE(single_task_is_cancelled_without_an_engine)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    BOOST_TEST(run_potoo(w, {"cancel", id, "after"}).code == 0);
    BOOST_TEST(state_of(w, id) == "running");
    const result status = run_potoo(w, {"status", id, "after"});
    BOOST_TEST(holds(status.out, "cancelling"), status.out);
    const result ended = run_potoo(w, {"cancel", id, "before"});
    BOOST_TEST(ended.code == 2);
    BOOST_TEST(holds(ended.err, "task before has ended (success)"), ended.err);
    w.write("go", "");
    const result r = run_potoo(w, {"resume"});
    BOOST_TEST(r.code == 3, r.err);
    BOOST_TEST(w.read("done") == "once\n");
}

BOOST_AUTO_TEST_CASE(all_unfinished_runs_are_cancelled)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string first = stopped_run(w, "a.yaml");
    const std::string second = stopped_run(w, "a.yaml");
    const result r = run_potoo(w, {"cancel", "--all", "-o", "json"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(boost::json::parse(r.out).as_array().size() == 2u);
    BOOST_TEST(run_potoo(w, {"resume"}).code == 3);
    BOOST_TEST(state_of(w, first) == "cancelled");
    BOOST_TEST(state_of(w, second) == "cancelled");
    const result none = run_potoo(w, {"cancel", "--all"});
    BOOST_TEST(none.code == 0);
    BOOST_TEST(holds(none.err, "Nothing to cancel"), none.err);
    BOOST_TEST(run_potoo(w, {"cancel"}).code == 2);
    BOOST_TEST(run_potoo(w, {"cancel", first, "--all"}).code == 2);
}

BOOST_AUTO_TEST_CASE(waiting_without_an_engine_does_not_hang)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    const result r = run_potoo(w, {"cancel", id, "--wait"});
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.err, "There is nothing to wait for"), r.err);
}

BOOST_AUTO_TEST_CASE(socket_that_a_killed_engine_left_is_no_obstacle)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program killed(w, {"run", "a.yaml"});
    BOOST_REQUIRE(killed.wait_for("wait: running"));
    const std::string id = begun_run(killed);
    killed.signal(SIGKILL);
    BOOST_TEST(killed.finish().code == -SIGKILL);
    BOOST_REQUIRE(w.has(".potoo/control.sock"));
    const result r = run_potoo(w, {"cancel", id});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.err, "No engine is at work"), r.err);
    // Another engine takes its place.
    program next(w, {"run", "a.yaml"});
    BOOST_REQUIRE(next.wait_for("wait: running"));
    BOOST_TEST(run_potoo(w, {"cancel", "last", "--wait"}).code == 3);
    BOOST_TEST(next.finish().code == 3);
}

BOOST_AUTO_TEST_CASE(state_directory_may_have_a_long_path)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string state = std::string(90, 'x') + "/" + std::string(90, 'y');
    program p(w, {"run", "a.yaml", "--state", state});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    BOOST_REQUIRE(w.has(state + "/control.sock"));
    const result r = run_potoo(w, {"cancel", "last", "--wait", "--state", state});
    BOOST_TEST(r.code == 3);
    BOOST_TEST(holds(r.err, "is being cancelled"), r.err);
    BOOST_TEST(p.finish().code == 3);
}

BOOST_AUTO_TEST_CASE(socket_is_for_its_user_only)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    program p(w, {"run", "a.yaml"});
    BOOST_REQUIRE(p.wait_for("wait: running"));
    struct stat about{};
    BOOST_REQUIRE(::stat((w.path() / ".potoo/control.sock").c_str(), &about) == 0);
    BOOST_TEST(S_ISSOCK(about.st_mode));
    BOOST_TEST((about.st_mode & 0777) == 0600u);
}

BOOST_AUTO_TEST_CASE(other_file_in_the_place_of_the_socket_is_left_alone)
{
    const workspace w;
    w.write("a.yaml", "tasks: {a: {operator: noop}}\n");
    BOOST_REQUIRE(run_potoo(w, {"run", "a.yaml"}).code == 0);
    w.write(".potoo/control.sock", "mine");
    const result r = run_potoo(w, {"run", "a.yaml"});
    BOOST_TEST(r.code == 4);
    BOOST_TEST(holds(r.err, "is not a socket"), r.err);
    BOOST_TEST(w.read(".potoo/control.sock") == "mine");
}

BOOST_AUTO_TEST_CASE(holder_that_does_not_listen_is_named)
{
    const workspace w;
    w.write("a.yaml", waiting_dag);
    const std::string id = stopped_run(w, "a.yaml");
    const int lock = ::open((w.path() / ".potoo/lock").c_str(), O_RDWR | O_CLOEXEC);
    BOOST_REQUIRE(lock >= 0);
    BOOST_REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
    const result r = run_potoo(w, {"cancel", id});
    BOOST_TEST(r.code == 4);
    BOOST_TEST(holds(r.err, "which does not answer"), r.err);
    ::close(lock);
}

BOOST_AUTO_TEST_CASE(state_that_is_not_there_is_not_made)
{
    const workspace w;
    for (const char* command : {"cancel", "complete"})
        BOOST_TEST(run_potoo(w, {command, "abc"}).code == 4);
    BOOST_TEST(run_potoo(w, {"gc", "--keep-runs", "1"}).code == 4);
    BOOST_TEST(!w.has(".potoo"));
}

BOOST_AUTO_TEST_SUITE_END()
