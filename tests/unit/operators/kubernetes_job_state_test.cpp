// What Jobs and pods say of how a job went.

#include "operators/kubernetes/job_state.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::kubernetes;

namespace {

json::value job(const std::string& status)
{
    return json::parse(R"({"metadata": {"name": "j", "namespace": "n", "uid": "u"}, "status": )" + status + "}");
}

json::value failed_job(const std::string& reason = "BackoffLimitExceeded")
{
    return job(R"({"conditions": [{"type": "Failed", "status": "True", "reason": ")" + reason +
               R"(", "message": "m"}]})");
}

json::value pod(const std::string& name, const std::string& status, const std::string& more_metadata = "")
{
    return json::parse(
        R"({"metadata": {"name": ")" + name + R"(", "ownerReferences": [{"uid": "u"}])" + more_metadata +
        R"(}, "spec": {"nodeName": "node", "containers": [{"name": "main"}, {"name": "side"}]}, "status": )" + status +
        "}");
}

std::string terminated(const std::string& container, int exit_code, const std::string& reason,
                       const std::string& at = "2026-01-01T00:00:00Z")
{
    return R"({"name": ")" + container + R"(", "state": {"terminated": {"exitCode": )" + std::to_string(exit_code) +
           R"(, "reason": ")" + reason + R"(", "finishedAt": ")" + at + R"("}}})";
}

std::string containers(const std::string& phase, const std::string& list)
{
    return R"({"phase": ")" + phase + R"(", "containerStatuses": [)" + list + "]}";
}

/// The end of a failed job with this pod.
job_result failure_with(const json::value& p, const std::string& reason = "BackoffLimitExceeded")
{
    job_result r = end_of_job(failed_job(reason)).value();
    const json::array pods{p};
    tell_of_pod(r, decisive_of(pods, "u", false));
    return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_job_state)

BOOST_AUTO_TEST_CASE(conditions_say_that_a_job_has_ended)
{
    BOOST_TEST(!end_of_job(job("{}")).has_value());
    BOOST_TEST(!end_of_job(job(R"({"active": 1, "failed": 1})")).has_value());
    BOOST_TEST(!end_of_job(job(R"({"conditions": [{"type": "Suspended", "status": "True"}]})")).has_value());
    BOOST_TEST(!end_of_job(job(R"({"conditions": [{"type": "Failed", "status": "False"}]})")).has_value());
    const auto good = end_of_job(
        job(R"({"startTime": "t1", "completionTime": "t2", "conditions": [{"type": "Complete", "status": "True"}]})"));
    BOOST_REQUIRE(good.has_value());
    BOOST_TEST((good->ended == job_result::state::success));
    BOOST_TEST(good->output.at("id") == "n/j/u");
    BOOST_TEST(good->output.at("ended_at") == "t2");
    const auto bad = end_of_job(failed_job());
    BOOST_REQUIRE(bad.has_value());
    BOOST_TEST((bad->ended == job_result::state::failed));
    BOOST_TEST(bad->code == "backoff_limit_exceeded");
    BOOST_TEST(bad->error == "the job n/j failed: BackoffLimitExceeded, m");
}

BOOST_AUTO_TEST_CASE(exit_code_and_reason_come_from_the_pod)
{
    auto r = failure_with(pod("p", containers("Failed", terminated("main", 7, "Error"))));
    BOOST_TEST(r.code == "exit_7");
    BOOST_TEST(r.error == "container main of pod p exited with 7");
    BOOST_TEST(r.output.at("exit_code") == 7);
    BOOST_TEST(r.output.at("pod") == "p");
    BOOST_TEST(r.output.at("node") == "node");
    r = failure_with(pod("p", containers("Failed", terminated("main", 137, "OOMKilled"))));
    BOOST_TEST(r.code == "oom_killed");
    BOOST_TEST(r.error == "container main of pod p exited with 137: OOMKilled");
    r = failure_with(
        pod("p", containers("Failed", terminated("main", 0, "Completed") + "," + terminated("side", 2, "Error"))));
    BOOST_TEST(r.error == "container side of pod p exited with 2");
    r = failure_with(pod("p", containers("Failed", terminated("main", 128, "StartError"))));
    BOOST_TEST(r.code == "cannot_start");
}

BOOST_AUTO_TEST_CASE(what_ended_the_pod_goes_before_its_exit_code)
{
    const auto code = [](const std::string& status) { return failure_with(pod("p", status)).code; };
    BOOST_TEST(code(R"({"phase": "Failed", "reason": "Evicted", "message": "low on memory"})") == "evicted");
    BOOST_TEST(code(R"({"phase": "Failed", "reason": "NodeLost"})") == "node_fail");
    BOOST_TEST(code(R"({"phase": "Failed", "reason": "Preempting"})") == "preempted");
    BOOST_TEST(code(R"({"phase": "Failed", "conditions": [{"type": "DisruptionTarget", "status": "True",
                        "reason": "PreemptionByScheduler"}], "containerStatuses": [)" +
                    terminated("main", 143, "Error") + "]}") == "preempted");
    BOOST_TEST(
        failure_with(pod("p", containers("Failed", terminated("main", 143, "Error"))), "DeadlineExceeded").code ==
        "deadline_exceeded");
}

BOOST_AUTO_TEST_CASE(job_without_a_pod_keeps_its_own_reason)
{
    job_result r = end_of_job(failed_job("DeadlineExceeded")).value();
    tell_of_pod(r, decisive_of({}, "u", false));
    BOOST_TEST(r.code == "deadline_exceeded");
    BOOST_TEST(r.output.at("exit_code").is_null());
}

BOOST_AUTO_TEST_CASE(last_pod_that_failed_decides_and_pods_of_others_do_not)
{
    json::value stranger =
        pod("stranger", containers("Failed", terminated("main", 9, "Error", "2026-01-09T00:00:00Z")));
    stranger.at("metadata").at("ownerReferences") = json::parse(R"([{"uid": "another"}])");
    const json::array pods{pod("first", containers("Failed", terminated("main", 1, "Error", "2026-01-01T00:00:00Z"))),
                           stranger,
                           pod("last", containers("Failed", terminated("main", 2, "Error", "2026-01-03T00:00:00Z"))),
                           pod("second", containers("Failed", terminated("main", 3, "Error", "2026-01-02T00:00:00Z"))),
                           pod("good", containers("Succeeded", terminated("main", 0, "", "2026-01-04T00:00:00Z")))};
    job_result r = end_of_job(failed_job()).value();
    tell_of_pod(r, decisive_of(pods, "u", false));
    BOOST_TEST(r.code == "exit_2");
    const auto good = decisive_of(pods, "u", true);
    BOOST_TEST(good.pod->at("metadata").at("name") == "good");
    BOOST_TEST(good.container == "main");
}

BOOST_AUTO_TEST_CASE(pods_that_do_not_get_on_by_themselves_are_told_of)
{
    const auto waiting = [](const std::string& reason) {
        return start_trouble(pod("p", R"({"phase": "Pending", "containerStatuses": [{"name": "main", "image": "i:1",
            "state": {"waiting": {"reason": ")" +
                                          reason + R"(", "message": "why"}}}]})"));
    };
    BOOST_TEST(waiting("ImagePullBackOff") ==
               "container main of pod p does not start: ImagePullBackOff, why (image i:1)");
    BOOST_TEST(!waiting("InvalidImageName").empty());
    BOOST_TEST(!waiting("CreateContainerConfigError").empty());
    BOOST_TEST(waiting("ContainerCreating").empty());
    BOOST_TEST(start_trouble(pod("p", R"({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/3 nodes"}]})")) == "pod p cannot be placed on a node: 0/3 nodes");
}

BOOST_AUTO_TEST_CASE(pod_may_run_until_its_end_is_known)
{
    const std::string deleted = R"(, "deletionTimestamp": "t")";
    const std::string running = R"({"name": "main", "state": {"running": {}}})";
    BOOST_TEST(may_run(pod("p", R"({"phase": "Pending"})")));
    BOOST_TEST(may_run(pod("p", R"({"phase": "Pending"})", deleted)));
    BOOST_TEST(may_run(pod("p", containers("Running", running))));
    BOOST_TEST(may_run(pod("p", containers("Running", running), deleted)));
    BOOST_TEST(may_run(pod("p", containers("Running", terminated("main", 1, "Error") + "," + running), deleted)));
    // One that has ended may be started again, unless the pod is to go.
    BOOST_TEST(may_run(pod("p", containers("Running", terminated("main", 1, "Error")))));
    BOOST_TEST(!may_run(pod("p", containers("Running", terminated("main", 1, "Error")), deleted)));
    BOOST_TEST(!may_run(pod("p", R"({"phase": "Failed"})")));
    json::value unplaced = pod("p", R"({"phase": "Pending"})", deleted);
    unplaced.at("spec").as_object().erase("nodeName");
    BOOST_TEST(!may_run(unplaced));
}

BOOST_AUTO_TEST_CASE(id_is_namespace_name_and_uid)
{
    const auto place = job_place::of("n/j/u");
    BOOST_REQUIRE(place.has_value());
    BOOST_TEST(place->name_space == "n");
    BOOST_TEST(place->name == "j");
    BOOST_TEST(place->uid == "u");
    for (const char* bad : {"", "n", "n/j", "n/j/", "/j/u", "n//u", "n/j/u/x"})
        BOOST_TEST(!job_place::of(bad).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
