#include "engine/server/config/descriptor_limit.hpp"
#include "engine/server/config/server_config.hpp"

#include <potoo/json.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace potoo;
using namespace potoo::server;

namespace {

void check_problem(const std::string& text, const std::string& part)
{
    BOOST_CHECK_EXCEPTION(static_cast<void>(parse_server_config(text, "/etc/potoo/potoo.yaml")), host::config_error,
                          [&](const host::config_error& e) {
                              BOOST_TEST(std::string(e.what()).find(part) != std::string::npos, e.what());
                              return true;
                          });
}

operator_entry named(const std::string& name)
{
    operator_entry op;
    op.name = name;
    return op;
}

server_config listening(const std::string& where)
{
    server_config c;
    c.web.listen = where;
    return c;
}

} // namespace

BOOST_AUTO_TEST_SUITE(server_configuration)

BOOST_AUTO_TEST_CASE(every_key_is_read)
{
    const server_config c = parse_server_config(R"(dags: pipelines
state: /var/lib/potoo
listen: 0.0.0.0:8443
tls: {certificate: server.pem, key: /etc/ssl/server.key}
behind_proxy: true
trusted_proxies: [10.0.0.1, 10.0.0.2]
hosts: potoo.example.org
origins: [https://app.example.org, "http://localhost:3000"]
max_connections: 500
max_connections_of_one_peer: 0
public_url: https://potoo.example.org/
log: {format: json, requests: true}
statsd: 127.0.0.1:8125
plugins: libours.so
keep_tasks: 500
keep_tasks_for: 7d
users_may_submit: [http, sleep]
keep_runs: 5
limits: {max_attempts: 100}
)",
                                                "/etc/potoo/potoo.yaml");
    BOOST_TEST(c.dags == "/etc/potoo/pipelines");
    BOOST_TEST(c.state == "/var/lib/potoo");
    BOOST_TEST(c.web.listen == "0.0.0.0:8443");
    BOOST_TEST(c.web.certificate_file == "/etc/potoo/server.pem");
    BOOST_TEST(c.web.key_file == "/etc/ssl/server.key");
    BOOST_TEST(c.behind_proxy);
    BOOST_TEST(c.web.trusted_proxies.size() == 2u);
    BOOST_TEST(c.hosts.at(0) == "potoo.example.org");
    BOOST_TEST(c.origins.at(1) == "http://localhost:3000");
    BOOST_TEST(c.web.limits.connections == 500u);
    BOOST_TEST(c.web.limits.connections_of_one_peer == 0u);
    BOOST_TEST(c.public_url == "https://potoo.example.org");
    BOOST_CHECK(c.log == log_format::json);
    BOOST_TEST(c.verbose);
    BOOST_TEST(c.statsd == "127.0.0.1:8125");
    BOOST_TEST(c.plugins.at(0) == "/etc/potoo/libours.so");
    BOOST_TEST(c.tasks.keep.count == 500u);
    BOOST_CHECK(c.tasks.keep.age == std::chrono::hours(24 * 7));
    BOOST_CHECK((c.tasks.users_may_submit == std::vector<std::string>{"http", "sleep"}));
    BOOST_CHECK(c.engine.keep.keep_runs == 5u);
    BOOST_TEST(c.engine.limits.max_attempts == 100u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_with_its_place_and_the_right_spelling)
{
    check_problem("port: 8080\n", "/etc/potoo/potoo.yaml:1:1: error: unknown key `port`");
    check_problem("port: 8080\n", "did you mean `listen`?");
    check_problem("tls: {cert: a.pem}\n", "did you mean `certificate`?");
    check_problem("tls: {certificate: a.pem}\n", "`tls` needs both `certificate` and `key`");
    check_problem("log: {format: xml}\n", "`format` must be text or json, not `xml`");
    check_problem("public_url: potoo.example.org\n", "did you mean `https://potoo.example.org`?");
    check_problem("origins: [https://app.example.org/]\n", "`origins` has `https://app.example.org/`, which is not");
    check_problem("origins: app.example.org\n", "which is not a scheme and a host");
    check_problem("connection_limit: 5\n", "did you mean `max_connections`?");
    check_problem("max_connections: 0\n", "`max_connections`");
    check_problem("max_connections_of_one_peer: -1\n", "`max_connections_of_one_peer`");
    check_problem("[1]\n", "must be a map");
}

BOOST_AUTO_TEST_CASE(single_tasks_have_rules_without_being_configured)
{
    const server_config c = parse_server_config("state: s\n", "potoo.yaml");
    BOOST_TEST(c.tasks.keep.count == 10'000u);
    BOOST_CHECK(c.tasks.keep.age == std::chrono::hours(24 * 30));
    BOOST_TEST(lets_users_submit(c.tasks, named("http")));
    BOOST_TEST(!lets_users_submit(c.tasks, named("shell")));
    BOOST_TEST(!lets_users_submit(parse_server_config("users_may_submit: []\n", "potoo.yaml").tasks, named("http")));
    check_problem("keep_tasks: -1\n", "`keep_tasks`");
    check_problem("keep_tasks_for: 30\n", "`keep_tasks_for`");
    check_problem("users_may_submit: {http: true}\n", "`users_may_submit`");
}

BOOST_AUTO_TEST_CASE(the_schema_knows_the_same_keys)
{
    const json::value schema = json::parse(json::string_view(server_config_schema()));
    for (const auto& [key, about] : schema.at("properties").as_object()) {
        BOOST_TEST(!about.at("description").as_string().empty());
        // A value of no type that any key has: were the key unknown, that would be the problem.
        try {
            static_cast<void>(parse_server_config(std::string(key) + ": {no_such_key: [[1]]}\n", "potoo.yaml"));
            BOOST_TEST(false, std::string(key) + " takes anything");
        } catch (const host::config_error& e) {
            BOOST_TEST(std::string(e.what()).find("unknown key `" + std::string(key) + "`") == std::string::npos,
                       e.what());
        }
    }
}

BOOST_AUTO_TEST_CASE(only_loopback_needs_neither_tls_nor_tokens)
{
    BOOST_TEST(refusal(listening("127.0.0.1:8080"), false).empty());
    BOOST_TEST(refusal(listening("[::1]:8080"), false).empty());
    BOOST_TEST(refusal(listening("localhost:8080"), false).empty());
    BOOST_TEST(refusal(listening("0.0.0.0:8080"), true).find("--behind-proxy") != std::string::npos);
    BOOST_TEST(refusal(listening("[::]:8080"), true).find("certificate") != std::string::npos);
    server_config secure = listening("10.1.2.3:443");
    secure.web.certificate_file = "server.pem";
    secure.web.key_file = "server.key";
    BOOST_TEST(refusal(secure, false).find("potoo token create --role admin") != std::string::npos);
    BOOST_TEST(refusal(secure, true).empty());
}

BOOST_AUTO_TEST_CASE(a_server_knows_its_url_where_it_has_one_address)
{
    server_config c = listening("127.0.0.1:8080");
    BOOST_TEST(own_url(c, "127.0.0.1:8080") == "http://127.0.0.1:8080");
    BOOST_TEST(own_url(c, "localhost:8080") == "http://localhost:8080");
    BOOST_TEST(own_url(c, "0.0.0.0:8080").empty());
    BOOST_TEST(own_url(c, "[::]:8080").empty());
    c.web.certificate_file = "server.pem";
    BOOST_TEST(own_url(c, "[2001:db8::1]:8443") == "https://[2001:db8::1]:8443");
    c.hosts = {"potoo.example.org"};
    BOOST_TEST(own_url(c, "10.1.2.3:8443").empty());
    BOOST_TEST(own_url(c, "127.0.0.1:8443") == "https://127.0.0.1:8443");
    c.hosts.emplace_back("10.1.2.3");
    BOOST_TEST(own_url(c, "10.1.2.3:8443") == "https://10.1.2.3:8443");
}

BOOST_AUTO_TEST_CASE(connections_leave_descriptors_for_everything_else)
{
    BOOST_TEST(connections_within(65'536, 4'096) == 4'096u);
    BOOST_TEST(connections_within(1'024, 4'096) == 768u);
    BOOST_TEST(connections_within(1'024, 100) == 100u);
    BOOST_TEST(connections_within(64, 4'096) == 32u);
    BOOST_TEST(connections_within(0, 4'096) == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_not_there_on_this_machine_is_told_before_a_start)
{
    server_config c = listening("8080");
    BOOST_TEST(problems_here(c).size() == 1u);
    BOOST_TEST(problems_here(c).front().find("8080") != std::string::npos);
    c = listening("127.0.0.1:8080");
    c.dags = "/no/such/folder";
    c.web.certificate_file = "/no/such/certificate.pem";
    c.plugins = {"/no/such/plugin.so"};
    const auto found = problems_here(c);
    BOOST_TEST(found.size() == 3u);
    BOOST_TEST(found.at(0).find("/no/such/certificate.pem") != std::string::npos);
    c = listening("127.0.0.1:8080");
    c.dags = "/";
    BOOST_TEST(problems_here(c).empty());
}

BOOST_AUTO_TEST_CASE(a_proxy_brings_others_to_loopback)
{
    server_config c = listening("127.0.0.1:8080");
    c.behind_proxy = true;
    BOOST_TEST(refusal(c, false).find("there is no token yet") != std::string::npos);
    BOOST_TEST(refusal(c, true).empty());
}

BOOST_AUTO_TEST_SUITE_END()
