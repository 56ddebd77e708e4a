// The Job that a task's `with` describes.

#include "operators/kubernetes/json_lookup.hpp"
#include "operators/kubernetes/manifest.hpp"

#include <potoo/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace potoo;
using namespace potoo::kubernetes;

namespace {

json::value manifest(const char* with, std::vector<std::pair<std::string, std::string>> env = {})
{
    return job_manifest(json::parse(with).as_object(), env, "potoo-1", "ns");
}

json::value at(const json::value& v, const char* pointer)
{
    const json::value* found = find_at(v, pointer);
    BOOST_TEST_REQUIRE(found, pointer);
    return found ? *found : json::value();
}

constexpr const char* container = "/spec/template/spec/containers/0";

json::value in_container(const json::value& v, const char* member)
{
    return at(v, (std::string(container) + member).c_str());
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_manifest)

BOOST_AUTO_TEST_CASE(short_form_becomes_a_whole_job)
{
    const auto job = manifest(R"({"image": "i:1", "command": "echo $A", "args": ["x"], "env": {"A": 1, "B": "b"},
        "resources": {"cpu": 2, "memory": "1Gi"}, "service_account": "sa", "node_selector": {"disk": "ssd"},
        "labels": {"team": "x"}, "annotations": {"n": 7}, "ttl": "90s", "active_deadline": "1500ms", "backoff_limit": 2})",
                              {{"B", "of the task"}, {"C", "c"}});
    BOOST_TEST(at(job, "/apiVersion") == "batch/v1");
    BOOST_TEST(at(job, "/metadata/name") == "potoo-1");
    BOOST_TEST(at(job, "/metadata/namespace") == "ns");
    for (const std::string where : {"", "/spec/template"}) {
        BOOST_TEST(at(job, (where + "/metadata/labels/potoo.dev~1token").c_str()) == "potoo-1");
        BOOST_TEST(at(job, (where + "/metadata/labels/app.kubernetes.io~1managed-by").c_str()) == "potoo");
        BOOST_TEST(at(job, (where + "/metadata/labels/team").c_str()) == "x");
        BOOST_TEST(at(job, (where + "/metadata/annotations/n").c_str()) == "7");
    }
    BOOST_TEST(at(job, "/spec/backoffLimit") == 2);
    BOOST_TEST(at(job, "/spec/ttlSecondsAfterFinished") == 90);
    BOOST_TEST(at(job, "/spec/activeDeadlineSeconds") == 2);
    BOOST_TEST(at(job, "/spec/template/spec/restartPolicy") == "Never");
    BOOST_TEST(at(job, "/spec/template/spec/serviceAccountName") == "sa");
    BOOST_TEST(at(job, "/spec/template/spec/nodeSelector/disk") == "ssd");
    BOOST_TEST(in_container(job, "/command") == json::value({"/bin/sh", "-c", "echo $A"}));
    BOOST_TEST(in_container(job, "/args") == json::value(json::array{"x"}));
    BOOST_TEST(in_container(job, "/resources") ==
               json::parse(R"({"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}})"));
    BOOST_TEST(in_container(job, "/env") == json::parse(R"([{"name": "B", "value": "b"}, {"name": "C", "value": "c"},
                                                            {"name": "A", "value": "1"}])"));
}

BOOST_AUTO_TEST_CASE(defaults_leave_retries_to_potoo_and_keep_the_end_for_an_hour)
{
    const auto job = manifest(R"({"image": "i", "command": ["a", "b"]})");
    BOOST_TEST(at(job, "/spec/backoffLimit") == 0);
    BOOST_TEST(at(job, "/spec/ttlSecondsAfterFinished") == 3600);
    BOOST_TEST(!find_at(job, "/spec/activeDeadlineSeconds"));
    BOOST_TEST(in_container(job, "/command") == json::value({"a", "b"}));
    BOOST_TEST(!find_at(job, "/spec/template/spec/containers/0/env"));
}

BOOST_AUTO_TEST_CASE(any_field_of_pod_job_and_container_is_laid_over)
{
    const auto job = manifest(R"({"image": "i", "resources": {"limits": {"gpu": 1}}, "env": {"A": "1"},
        "container": {"imagePullPolicy": "Never", "name": "other", "env": [{"name": "S", "valueFrom": {"secretKeyRef": {}}}]},
        "pod": {"tolerations": [{"key": "gpu"}], "restartPolicy": null,
                "containers": [{"name": "side", "image": "s"}, {"name": "main", "tty": true}]},
        "job": {"completions": 3, "backoffLimit": 5,
                "template": {"metadata": {"labels": {"x": "y", "potoo.dev/token": "no"}}, "spec": {"hostNetwork": true}}}})");
    BOOST_TEST(in_container(job, "/resources") == json::parse(R"({"limits": {"gpu": 1}})"));
    BOOST_TEST(in_container(job, "/imagePullPolicy") == "Never");
    BOOST_TEST(in_container(job, "/name") == "main");
    BOOST_TEST(in_container(job, "/tty") == true);
    BOOST_TEST(in_container(job, "/env/1/name") == "S");
    BOOST_TEST(at(job, "/spec/template/spec/containers/1/name") == "side");
    BOOST_TEST(at(job, "/spec/template/spec/tolerations/0/key") == "gpu");
    BOOST_TEST(!find_at(job, "/spec/template/spec/restartPolicy"));
    BOOST_TEST(at(job, "/spec/completions") == 3);
    BOOST_TEST(at(job, "/spec/backoffLimit") == 5);
    BOOST_TEST(at(job, "/spec/template/spec/hostNetwork") == true);
    BOOST_TEST(at(job, "/spec/template/metadata/labels/x") == "y");
    BOOST_TEST(at(job, "/spec/template/metadata/labels/potoo.dev~1token") == "potoo-1");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named)
{
    const auto says = [](const char* what) {
        return [what](const fatal& e) { return std::string(e.what()).find(what) != std::string::npos; };
    };
    BOOST_CHECK_EXCEPTION((void)manifest(R"({"image": "i", "ttl": "soon"})"), fatal, says("ttl"));
    BOOST_CHECK_EXCEPTION((void)manifest(R"({"image": "i", "pod": {"containers": {}}})"), fatal,
                          says("pod.containers"));
}

BOOST_AUTO_TEST_CASE(merging_is_by_member_and_null_takes_away)
{
    json::value v = json::parse(R"({"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5})");
    merge_into(v, json::parse(R"({"a": {"b": null, "x": {"y": null, "z": 1}}, "d": [3], "e": {"f": 1}})"));
    BOOST_TEST(v == json::parse(R"({"a": {"c": 2, "x": {"z": 1}}, "d": [3], "e": {"f": 1}})"));
}

BOOST_AUTO_TEST_SUITE_END()
