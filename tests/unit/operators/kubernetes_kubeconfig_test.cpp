// Kubeconfig files as people have them.

#include "operators/kubernetes/base_encoding.hpp"
#include "operators/kubernetes/kubeconfig.hpp"

#include <potoo/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::kubernetes;

namespace {

const std::string head = R"(apiVersion: v1
kind: Config
current-context: work
contexts:
- {name: work, context: {cluster: c, user: u, namespace: research}}
- {name: home, context: {cluster: plain, user: u}}
clusters:
- name: c
  cluster: {server: "https://api.example:6443/", certificate-authority-data: Q0E=, tls-server-name: kube}
- {name: plain, cluster: {server: "https://1.2.3.4", certificate-authority: pki/ca.crt, insecure-skip-tls-verify: true}}
users:
)";

cluster_settings read(const std::string& user, std::string_view context = {})
{
    return read_kubeconfig(head + "- {name: u, user: " + user + "}\n", "/home/me/.kube/config", context);
}

void check_refused(const std::string& text, const std::string& why)
{
    BOOST_CHECK_EXCEPTION((void)read_kubeconfig(text, "/home/me/.kube/config", {}), fatal, [&](const fatal& e) {
        BOOST_TEST_CONTEXT(e.what())
        {
            BOOST_TEST(std::string(e.what()).find(why) != std::string::npos);
            BOOST_TEST(std::string(e.what()).find("/home/me/.kube/config") != std::string::npos);
        }
        return e.code() == "bad_kubeconfig";
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_kubeconfig)

BOOST_AUTO_TEST_CASE(current_context_says_cluster_user_and_namespace)
{
    const auto s = read("{token: abc}");
    BOOST_TEST(s.server == "https://api.example:6443");
    BOOST_TEST(s.tls.ca_pem == "CA");
    BOOST_TEST(s.tls.server_name == "kube");
    BOOST_TEST(s.tls.verify_certificate);
    BOOST_TEST(s.name_space == "research");
    BOOST_TEST(s.token == "abc");
    BOOST_TEST(s.identity == "user u of /home/me/.kube/config");
}

BOOST_AUTO_TEST_CASE(named_context_goes_before_the_current_one_and_paths_are_relative_to_the_file)
{
    const auto s = read("{client-certificate: me.crt, client-key: /keys/me.key, tokenFile: token}", "home");
    BOOST_TEST(s.server == "https://1.2.3.4");
    BOOST_TEST(s.tls.ca_file == "/home/me/.kube/pki/ca.crt");
    BOOST_TEST(!s.tls.verify_certificate);
    BOOST_TEST(s.tls.certificate_file == "/home/me/.kube/me.crt");
    BOOST_TEST(s.tls.key_file == "/keys/me.key");
    BOOST_TEST(s.token_file == "/home/me/.kube/token");
    BOOST_TEST(s.name_space.empty());
}

BOOST_AUTO_TEST_CASE(data_goes_before_files)
{
    const auto s =
        read("{client-certificate: x, client-certificate-data: Q0VSVA==, client-key: y, client-key-data: S0VZ}");
    BOOST_TEST(s.tls.certificate_pem == "CERT");
    BOOST_TEST(s.tls.certificate_file.empty());
    BOOST_TEST(s.tls.key_pem == "KEY");
    BOOST_TEST(s.tls.key_file.empty());
}

BOOST_AUTO_TEST_CASE(exec_plugin_is_read)
{
    const auto s =
        read("{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/aws, args: [eks, get-token], "
             "env: [{name: AWS_PROFILE, value: p}], provideClusterInfo: true, installHint: get it}}");
    BOOST_REQUIRE(s.exec.has_value());
    BOOST_TEST(s.exec->command == "/home/me/.kube/bin/aws");
    BOOST_TEST(s.exec->arguments.size() == 2);
    BOOST_TEST(s.exec->environment.at(0).second == "p");
    BOOST_TEST(s.exec->cluster_info.find("certificate-authority-data") != std::string::npos);
    BOOST_TEST(s.exec->hint == "get it");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named)
{
    check_refused("a: [", "line");
    check_refused("just text", "no map");
    check_refused("clusters: []", "current-context");
    check_refused("current-context: x\ncontexts: []", "no context called x");
    check_refused("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]", "no cluster called y");
    check_refused("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n"
                  "clusters: [{name: y, cluster: {server: nonsense}}]",
                  "nonsense");
    check_refused("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n"
                  "clusters: [{name: y, cluster: {server: 'https://a', proxy-url: 'http://p'}}]",
                  "HTTPS_PROXY");
    check_refused(head + "- {name: v, user: {}}\n", "no user called u");
    check_refused(head + "- {name: u, user: {client-key-data: '!'}}\n", "client-key-data");
    check_refused(head + "- {name: u, user: {exec: {apiVersion: v7, command: x}}}\n", "exec.apiVersion");
    check_refused(head + "- {name: u, user: {auth-provider: {name: gcp}}}\n", "auth-provider");
}

BOOST_AUTO_TEST_CASE(secrets_are_not_in_the_message)
{
    const std::string text = head + "- {name: u, user: {token: secret-token, client-key-data: 'secret!'}}\n";
    BOOST_CHECK_EXCEPTION((void)read_kubeconfig(text, "f", {}), fatal,
                          [](const fatal& e) { return std::string(e.what()).find("secret") == std::string::npos; });
}

BOOST_AUTO_TEST_CASE(base64_is_read_and_written)
{
    for (const std::string text : {"", "a", "ab", "abc", "abcd", "\xff\xfe\x00 z"}) {
        const auto back = base64_decoded(base64_encoded(text));
        BOOST_REQUIRE(back.has_value());
        BOOST_TEST(*back == text);
    }
    BOOST_TEST(base64_encoded("user:pass") == "dXNlcjpwYXNz");
    BOOST_TEST(base64_decoded("Q0\nE=\n").value() == "CA");
    for (const char* bad : {"Q", "Q0E", "Q=0E", "Q0E=====", "Q0-_"})
        BOOST_TEST(!base64_decoded(bad).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
