// Credentials that change while the engine runs, against the real API.

#include "test_cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

using namespace potoo;
using conformance::trial_engine;
using schedule::run_state;
using test::test_cluster;
using test::when;

namespace {

/// A credential plugin that notes each call, and prints what follows from how many there were before: `$n`.
std::string plugin(const test_cluster& c, std::string_view token_of_n, std::string_view expiry_of_n)
{
    const auto script = c.folder() / "plugin";
    std::ofstream(script) << fmt::format(R"(#!/bin/sh
n=$(grep -c . {0}/calls 2>/dev/null)
echo "$KUBERNETES_EXEC_INFO $EXTRA $1" >>{0}/calls
token={1}
expiry={2}
printf '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "%s"%s}}}}' "$token" "$expiry"
)",
                                         c.folder().string(), token_of_n, expiry_of_n);
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [argument], "
           "env: [{name: EXTRA, value: extra}], interactiveMode: Never}}";
}

std::vector<std::string> calls(const test_cluster& c)
{
    std::ifstream in(c.folder() / "calls");
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);)
        all.push_back(line);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_credentials)

BOOST_AUTO_TEST_CASE(plugin_is_asked_once_for_all_requests)
{
    test_cluster c;
    c.use(plugin(c, "admintok", ""));
    trial_engine e;
    e.start(c.dag_text("['true']") + "    foreach: \"${{ range(5) }}\"\n", {});
    BOOST_TEST((e.finish() == run_state::success));
    const auto all = calls(c);
    BOOST_REQUIRE(all.size() == 1);
    BOOST_TEST(all[0].find("\"kind\":\"ExecCredential\"") != std::string::npos, all[0]);
    BOOST_TEST(all[0].ends_with("extra argument"), all[0]);
    BOOST_TEST(!e.has_written("admintok"));
}

BOOST_AUTO_TEST_CASE(plugin_is_asked_again_when_its_token_expires)
{
    test_cluster c;
    c.use(plugin(c, "admintok",
                 R"(", \"expirationTimestamp\": \"$(date -u -d @$(( $(date +%s) + 2 )) +%Y-%m-%dT%H:%M:%SZ)\"")"));
    trial_engine e;
    e.start(c.dag_text("'sleep 3'"), {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(calls(c).size() > 1);
}

BOOST_AUTO_TEST_CASE(plugin_is_asked_again_when_its_token_is_refused)
{
    test_cluster c;
    c.use(plugin(c, "$([ \"$n\" -gt 0 ] && echo admintok || echo stale)", ""));
    trial_engine e;
    e.start(c.dag_text("['true']"), {});
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(calls(c).size() == 2);
}

BOOST_AUTO_TEST_CASE(plugin_that_fails_says_why)
{
    test_cluster c;
    c.use("{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'echo log in first >&2; exit "
          "3']}}");
    trial_engine e;
    e.start(c.dag_text("['true']"), {});
    BOOST_TEST((e.finish() == run_state::failed));
    const json::object error = e.error();
    BOOST_TEST(error.at("code") == "credentials_failed", error);
    BOOST_TEST(error.at("message").as_string().find("log in first") != json::string::npos, error);
}

BOOST_AUTO_TEST_CASE(token_that_is_refused_during_the_wait_is_read_again_and_ends_no_job)
{
    test_cluster c;
    const auto token = c.folder() / "token";
    std::ofstream(token) << "admintok\n";
    c.use("{tokenFile: token}");
    trial_engine e;
    e.start(c.dag_text("'sleep 4'"), {});
    // As if it was revoked: the watch is refused until somebody writes a new one.
    auto refused = when("GET", "watch=1", 3);
    refused.answer = "401 Unauthorized\r\n";
    c.proxy().add(std::move(refused));
    BOOST_TEST((e.finish() == run_state::success));
    BOOST_TEST(c.requests_with("watch=1") >= 3);
}

BOOST_AUTO_TEST_SUITE_END()
