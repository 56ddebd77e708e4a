// What the real API refuses, and how that is told.

#include "test_cluster.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using conformance::trial_engine;
using schedule::run_state;
using test::test_cluster;

namespace {

/// The error of a job that is refused.
json::object refusal_of(test_cluster& c, std::string_view more = {})
{
    trial_engine e;
    e.start(c.dag_text("['true']", more), {});
    BOOST_TEST((e.finish() == run_state::failed));
    return e.error();
}

bool says(const json::object& error, std::string_view what)
{
    return error.at("message").as_string().find(what) != json::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_refusals)

BOOST_AUTO_TEST_CASE(unknown_token_is_unauthorized_and_not_shown)
{
    test_cluster c;
    c.use("{token: revoked-4711}");
    trial_engine e;
    e.start(c.dag_text("['true']"), {});
    BOOST_TEST((e.finish() == run_state::failed));
    const json::object error = e.error();
    BOOST_TEST(error.at("code") == "unauthorized");
    BOOST_TEST(error.at("class") == "fatal");
    BOOST_TEST(says(error, "user u of " + (c.folder() / "kubeconfig").string()), error);
    BOOST_TEST(!e.has_written("revoked-4711"));
}

BOOST_AUTO_TEST_CASE(user_without_rights_is_told_which_are_missing)
{
    test_cluster c;
    c.use("{token: strangertok}");
    const json::object error = refusal_of(c);
    BOOST_TEST(error.at("code") == "forbidden");
    BOOST_TEST(error.at("class") == "fatal");
    BOOST_TEST(says(error, R"(User "stranger" cannot create resource "jobs" in API group "batch" in the namespace)"),
               error);
}

BOOST_AUTO_TEST_CASE(namespace_that_is_not_there_is_named)
{
    test_cluster c;
    const json::object error = refusal_of(c, "  namespace: not-there\n");
    BOOST_TEST(error.at("code") == "no_namespace");
    BOOST_TEST(error.at("class") == "fatal");
    BOOST_TEST(says(error, "not-there"), error);
}

BOOST_AUTO_TEST_CASE(invalid_spec_is_fatal_with_the_apis_words)
{
    test_cluster c;
    const json::object error = refusal_of(c, "  job: {template: {spec: {restartPolicy: Sometimes}}}\n");
    BOOST_TEST(error.at("code") == "invalid_spec");
    BOOST_TEST(error.at("class") == "fatal");
    BOOST_TEST(says(error, "spec.template.spec.restartPolicy"), error);
}

BOOST_AUTO_TEST_CASE(full_quota_is_worth_another_attempt)
{
    test_cluster c;
    c.limit("count/jobs.batch", 0);
    for (bool known = false; !known;) {
        const json::value quota = c.ask("GET", c.path("resourcequotas/limit"));
        known = quota.at("status").as_object().contains("hard");
    }
    const json::object error = refusal_of(c);
    BOOST_TEST(error.at("code") == "quota", error);
    BOOST_TEST(error.at("class") == "retryable");
}

BOOST_AUTO_TEST_CASE(certificate_of_an_unknown_authority_is_a_tls_failure)
{
    test_cluster c;
    const std::string dag = "connections:\n  kubernetes: {type: kubernetes, url: \"" + c.server() +
                            "\", token: admintok, namespace: " + c.name_space() + "}\n" + c.dag_text("['true']");
    trial_engine e;
    e.start(dag, {});
    BOOST_TEST((e.finish() == run_state::failed));
    BOOST_TEST(e.error().at("code") == "tls_failed", e.error());
}

BOOST_AUTO_TEST_CASE(connection_says_all_that_is_needed)
{
    test_cluster c;
    const std::string dag = "connections:\n  kubernetes: {type: kubernetes, url: \"" + c.server() +
                            "\", token: admintok, insecure_skip_tls_verify: true, namespace: " + c.name_space() +
                            "}\n" + c.dag_text("['echo', 'masked admintok']");
    trial_engine e;
    e.start(dag, {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(!e.has_written("admintok"));
    BOOST_TEST(c.proxy().requests().empty());
}

BOOST_AUTO_TEST_SUITE_END()
