// How jobs end on the real cluster, and what is told of it.

#include "test_cluster.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using conformance::trial_engine;
using schedule::run_state;
using test::test_cluster;

BOOST_AUTO_TEST_SUITE(kubernetes_job_end)

BOOST_AUTO_TEST_CASE(output_tells_where_it_ran_and_what_it_wrote)
{
    test_cluster c;
    trial_engine e;
    e.start(c.dag_text(R"('echo "{\"n\": $N}"')", "  env: {N: 5}\n"), {});
    BOOST_TEST((e.finish() == run_state::success));
    const json::value output = e.output();
    BOOST_TEST(output.at("state") == "Complete");
    BOOST_TEST(output.at("exit_code") == 0);
    BOOST_TEST(output.at("node") == "n1");
    BOOST_TEST(output.at("namespace") == json::string(c.name_space()));
    BOOST_TEST(output.at("result") == json::value(json::object{{"n", 5}}));
    BOOST_TEST(output.at("pod").as_string().starts_with(output.at("name").as_string()));
}

BOOST_AUTO_TEST_CASE(failed_init_container_is_named_and_its_log_kept)
{
    test_cluster c;
    trial_engine e;
    const char* prepare = R"(  job: {template: {spec: {initContainers: [{name: prepare, image: "bb:1", )"
                          R"(command: [sh, -c, "echo cannot prepare; exit 3"]}]}}}
)";
    e.start(c.dag_text("['true']", prepare), {});
    BOOST_TEST((e.finish() == run_state::failed));
    const json::object error = e.error();
    BOOST_TEST(error.at("code") == "exit_3");
    BOOST_TEST(error.at("message").as_string().find("container prepare") != json::string::npos, error);
    BOOST_TEST(e.logs().find("cannot prepare") != std::string::npos, e.logs());
}

BOOST_AUTO_TEST_CASE(container_beyond_its_memory_is_oom_killed)
{
    test_cluster c;
    trial_engine e;
    e.start(c.dag_text("['tail', '/dev/zero']", "  resources: {memory: 16Mi}\n"), {});
    BOOST_TEST((e.finish() == run_state::failed));
    BOOST_TEST(e.error().at("code") == "oom_killed", e.error());
}

BOOST_AUTO_TEST_CASE(job_beyond_its_active_deadline_fails)
{
    test_cluster c;
    trial_engine e;
    e.start(c.dag_text("['sleep', '3600']", "  active_deadline: 2s\n"), {});
    BOOST_TEST((e.finish() == run_state::failed));
    BOOST_TEST(e.error().at("code") == "deadline_exceeded", e.error());
}

BOOST_AUTO_TEST_CASE(job_that_somebody_else_made_anew_is_not_taken_for_ours)
{
    test_cluster c;
    trial_engine e;
    e.start(c.dag_text("['sleep', '3600']"), {});
    e.run_until([&] { return e.deferred(); });
    json::value job = c.ask("GET", c.path("jobs")).at("items").at(0);
    const std::string name(job.at("metadata").at("name").as_string());
    c.ask("DELETE", c.path("jobs/" + name) + "?propagationPolicy=Background");
    c.ask("POST", c.path("jobs"),
          json::object{
              {"apiVersion", "batch/v1"},
              {"kind", "Job"},
              {"metadata", json::object{{"name", name}}},
              {"spec",
               json::object{
                   {"template",
                    json::object{{"spec", json::object{{"restartPolicy", "Never"},
                                                       {"containers", json::array{json::object{
                                                                          {"name", "c"}, {"image", "bb:1"}}}}}}}}}}});
    BOOST_TEST((e.finish() == run_state::failed));
    BOOST_TEST(e.error().at("code") == "name_taken", e.error());
    // And it is left alone.
    BOOST_TEST(c.ask("GET", c.path("jobs/" + name)).at("kind") == "Job");
}

BOOST_AUTO_TEST_CASE(pod_that_cannot_start_is_told_of_while_the_job_waits)
{
    test_cluster c;
    trial_engine e;
    std::string dag = c.dag_text("['true']");
    dag.replace(dag.find("bb:1"), 4, "nope:1");
    e.start(dag, {});
    e.run_until([&] { return e.logs().find("does not start") != std::string::npos; });
    BOOST_TEST(e.logs().find("ErrImageNeverPull") != std::string::npos, e.logs());
    e.cancel();
    BOOST_TEST((e.finish() == run_state::cancelled));
    BOOST_TEST(e.unconfirmed() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
