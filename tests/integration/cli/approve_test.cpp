// People's answers to approvals.
#include "stopped_runs.hpp"

using namespace potoo::cli::test;

namespace {

constexpr const char* approval_dag = R"(name: asks
tasks:
  go: {operator: approval, with: {message: "Release it?"}}
  two: {operator: approval, with: {message: "And tell the press?", approvers: [ann, bob]}}
  then: {operator: shell, depends_on: [go], with: {command: [echo, "${{ tasks.go.output.by }}: ${{ tasks.go.output.comment }}"]}}
)";

struct asking
{
    asking() { w.write("a.yaml", approval_dag); }

    /// An engine that waits for both.
    std::unique_ptr<program> waiting()
    {
        auto p = std::make_unique<program>(w, std::vector<std::string>{"run", "a.yaml"});
        BOOST_REQUIRE(p->wait_for("go: running"));
        BOOST_REQUIRE(p->wait_for("two: running"));
        wait_until_listed("two");
        wait_until_listed("go");
        return p;
    }

    /// An attempt runs a little before it waits.
    void wait_until_listed(const std::string& task)
    {
        constexpr int tries = 200;
        const std::string wanted = "\"task\":\"" + task + "\"";
        for (int i = 0; i < tries; ++i) {
            if (holds(run_potoo(w, {"approve", "-o", "json"}).out, wanted))
                return;
        }
        BOOST_FAIL(task << " does not wait");
    }

    void stopped()
    {
        const auto p = waiting();
        p->signal(SIGINT);
        BOOST_REQUIRE(p->finish().code == 3);
    }

    workspace w;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(approve, asking)

BOOST_AUTO_TEST_CASE(what_waits_is_listed)
{
    BOOST_TEST(run_potoo(w, {"approve"}).code == 4);
    stopped();
    const result r = run_potoo(w, {"approve"});
    BOOST_TEST(r.code == 0, r.err);
    BOOST_TEST(holds(r.out, "Release it?"), r.out);
    BOOST_TEST(holds(r.out, "ann, bob"), r.out);
    const result j = run_potoo(w, {"approve", "-o", "json"});
    BOOST_TEST(holds(j.out, R"("approvers":["ann","bob"])"), j.out);
    BOOST_TEST(holds(j.out, R"("token":")"), j.out);
}

BOOST_AUTO_TEST_CASE(answers_reach_an_engine_that_runs)
{
    const auto p = waiting();
    const result several = run_potoo(w, {"approve", "last"});
    BOOST_TEST(several.code == 2);
    BOOST_TEST(holds(several.err, "several approvals wait"), several.err);
    const result go = run_potoo(w, {"approve", "last", "go", "--comment", "well done", "--by", "carl"});
    BOOST_TEST(go.code == 0, go.err);
    BOOST_TEST(holds(go.err, "Approved: run "), go.err);
    const result stranger = run_potoo(w, {"approve", "last", "two", "--by", "carl"});
    BOOST_TEST(stranger.code == 2);
    BOOST_TEST(holds(stranger.err, "it is for ann, bob"), stranger.err);
    BOOST_TEST(run_potoo(w, {"approve", "last", "two", "--by", "ann", "--reject"}).code == 0);
    const result end = p->finish();
    BOOST_TEST(end.code == 1);
    BOOST_TEST(holds(end.err, "rejected by ann"), end.err);
    BOOST_TEST(holds(run_potoo(w, {"logs", "last", "then"}).out, "carl: well done"));
    const result late = run_potoo(w, {"approve", "last", "go"});
    BOOST_TEST(late.code == 2);
    BOOST_TEST(holds(late.err, "nothing of last, task go waits for an approval: carl approved it at 20"), late.err);
    const result again = run_potoo(w, {"approve", "last", "two"});
    BOOST_TEST(holds(again.err, "it was rejected by ann at 20"), again.err);
    const result nobody = run_potoo(w, {"approve", "zz", "go"});
    BOOST_TEST(nobody.code == 2);
    BOOST_TEST(holds(nobody.err, "there is no run zz in "), nobody.err);
}

BOOST_AUTO_TEST_CASE(answers_without_an_engine_are_handed_over_by_the_next)
{
    stopped();
    const result go = run_potoo(w, {"approve", "last", "go"});
    BOOST_TEST(go.code == 0, go.err);
    BOOST_TEST(holds(go.err, "potoo resume"), go.err);
    const result again = run_potoo(w, {"approve", "last", "go"});
    BOOST_TEST(again.code == 2);
    BOOST_TEST(holds(again.err, "it has been answered already"), again.err);
    BOOST_TEST(run_potoo(w, {"approve", "last", "two", "--by", "bob", "-o", "json"}).code == 0);
    BOOST_TEST(holds(run_potoo(w, {"approve"}).err, "Nothing waits"));
    BOOST_TEST(run_potoo(w, {"resume"}).code == 0);
}

BOOST_AUTO_TEST_CASE(answers_reach_a_server)
{
    w.write("dags/a.yaml", approval_dag);
    program server(w, {"server", "--listen", "127.0.0.1:0"});
    BOOST_REQUIRE(server.wait_for("ready"));
    const std::string told = server.told();
    const auto at = told.find("http://127.0.0.1:");
    const std::string url = told.substr(at, told.find_first_of(" \n", at) - at);
    BOOST_TEST(run_potoo(w, {"trigger", "asks", "--server", url}).code == 0);
    for (int i = 0; i < 200 && !holds(run_potoo(w, {"approve", "--server", url}).out, "Release it?"); ++i) {}
    const result go = run_potoo(w, {"approve", "last", "go", "--server", url, "--comment", "fine"});
    BOOST_TEST(go.code == 0, go.err);
    const auto again = [&] { return run_potoo(w, {"approve", "last", "go", "--server", url}).err; };
    for (int i = 0; i < 200 && !holds(again(), " approved it at 20"); ++i) {}
    BOOST_TEST(holds(again(), " approved it at 20"), again());
    const result nobody = run_potoo(w, {"approve", "zz", "go", "--server", url});
    BOOST_TEST(nobody.code == 2);
    BOOST_TEST(holds(nobody.err, "there is no run zz at "), nobody.err);
    const result two = run_potoo(w, {"approve", "last", "two", "--server", url});
    BOOST_TEST(two.code != 0);
    BOOST_TEST(holds(two.err, "it is for ann, bob to answer"), two.err);
    BOOST_TEST(run_potoo(w, {"approve", "last", "two", "--server", url, "--by", "ann"}).code == 2);
    server.signal(SIGTERM);
    BOOST_TEST(server.finish().code == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_approval_is_not_approved)
{
    w.write("c.yaml", "name: c\ntasks:\n  c: {operator: callback, with: {message: parcel}}\n");
    program p(w, {"run", "c.yaml"});
    BOOST_REQUIRE(p.wait_for("c: running"));
    wait_until_listed("c");
    const result listed = run_potoo(w, {"approve"});
    BOOST_TEST(holds(listed.out, "parcel"), listed.out);
    BOOST_TEST(holds(listed.err, "potoo complete TOKEN"), listed.err);
    const result r = run_potoo(w, {"approve", "last"});
    BOOST_TEST(r.code == 2);
    BOOST_TEST(holds(r.err, "that is no approval"), r.err);
    BOOST_TEST(run_potoo(w, {"approve", "--reject"}).code == 2);
    BOOST_TEST(run_potoo(w, {"cancel", "last"}).code == 0);
    BOOST_TEST(p.finish().code == 3);
}

BOOST_AUTO_TEST_SUITE_END()
