#include "engine/server/api/route.hpp"
#include "tests/unit/server/api_trial.hpp"

#include <boost/test/unit_test.hpp>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

/// A path of the route's kind.
std::string path_of(const route& r)
{
    std::string path(r.path);
    for (auto begin = path.find('{'); begin != std::string::npos; begin = path.find('{'))
        path.replace(begin, path.find('}') - begin + 1, "x0");
    return path;
}

bool is_open(const route& r)
{
    return r.needs == need::open || r.needs == need::probe;
}

std::string type_of(const web::reply& r)
{
    return std::string(json_of(r).at("type").as_string());
}

sent with_token(std::string token)
{
    sent s;
    s.token = std::move(token);
    return s;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(access_to_the_api, api_trial)

BOOST_AUTO_TEST_CASE(local_user_may_do_everything_while_there_is_no_token)
{
    const auto self = json_of(ask("GET", "/api/v1/self"));
    BOOST_TEST(self.at("role").as_string() == "admin");
    BOOST_TEST(self.at("shown").as_string() == "local user");
}

BOOST_AUTO_TEST_CASE(others_and_proxies_are_not_the_local_user)
{
    sent elsewhere;
    elsewhere.peer = "192.0.2.7";
    BOOST_TEST(ask("GET", "/api/v1/self", elsewhere).status == 401u);
    sent proxied;
    proxied.fields = {{"x-forwarded-for", "192.0.2.7"}};
    BOOST_TEST(ask("GET", "/api/v1/self", proxied).status == 401u);
}

BOOST_AUTO_TEST_CASE(every_route_refuses_who_has_no_right)
{
    const std::string admin = make_token("root", role::admin);
    const std::string viewer = make_token("eve", role::viewer);
    const std::string user = make_token("ann", role::user);
    const std::string past = make_token("old", role::admin, engine().loop().wall_now() + 1ms);
    run_until([&, until = engine().loop().wall_now() + 2ms] {
        boost::asio::post(engine().loop().executor(), [] {});
        return engine().loop().wall_now() >= until;
    });
    const std::string gone = make_token("gone", role::admin);
    BOOST_TEST(finish(tokens().revoke(gone.substr(6, 10), engine().loop().wall_now())).has_value());
    std::string wrong = admin;
    wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
    for (const route& r : routes()) {
        if (is_open(r))
            continue;
        const std::string method(r.method);
        const std::string path = path_of(r);
        BOOST_TEST_INFO_SCOPE(method << ' ' << path);
        BOOST_TEST(type_of(ask(method, path)) == "urn:potoo:problem:token-missing");
        for (const std::string& bad : {wrong, std::string("x"), admin + "0", admin.substr(0, 30)})
            BOOST_TEST(type_of(ask(method, path, with_token(bad))) == "urn:potoo:problem:token-unknown");
        BOOST_TEST(type_of(ask(method, path, with_token(past))) == "urn:potoo:problem:token-expired");
        BOOST_TEST(type_of(ask(method, path, with_token(gone))) == "urn:potoo:problem:token-revoked");
        const auto unauthorized = ask(method, path);
        BOOST_TEST(unauthorized.status == 401u);
        BOOST_TEST(field_of(unauthorized, "WWW-Authenticate") != nullptr);
        if (r.needs != need::read)
            BOOST_TEST(type_of(ask(method, path, with_token(viewer))) == "urn:potoo:problem:role-too-small");
        if (r.needs == need::admin)
            BOOST_TEST(type_of(ask(method, path, with_token(user))) == "urn:potoo:problem:role-too-small");
    }
}

BOOST_AUTO_TEST_CASE(every_route_but_probes_refuses_other_hosts_and_foreign_pages)
{
    for (const route& r : routes()) {
        if (r.needs == need::probe)
            continue;
        const std::string method(r.method);
        BOOST_TEST_INFO_SCOPE(method << ' ' << r.path);
        for (const char* host :
             {"evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", "[::2]:80", ""}) {
            sent s;
            s.host = host;
            const unsigned status = ask(method, path_of(r), s).status;
            BOOST_TEST((status == 421u || status == 400u), host << " got " << status);
        }
        for (const char* origin :
             {"https://evil.example", "null", "http://127.0.0.1:8081", "http://127.0.0.1:8080.evil"}) {
            sent s;
            s.fields = {{"origin", origin}};
            BOOST_TEST(type_of(ask(method, path_of(r), s)) == "urn:potoo:problem:origin-foreign", origin);
        }
    }
    sent own;
    own.fields = {{"origin", "http://127.0.0.1:8080"}};
    BOOST_TEST(ask("GET", "/api/v1/self", own).status == 200u);
}

BOOST_AUTO_TEST_CASE(token_may_stand_in_the_query_of_streams_only)
{
    const std::string admin = make_token("root", role::admin);
    BOOST_TEST(ask("GET", "/api/v1/runs?access_token=" + admin).status == 401u);
    sent stream;
    stream.fields = {{"accept", "text/event-stream"}};
    BOOST_TEST(ask("GET", "/api/v1/events?access_token=" + admin, stream).status == 200u);
    BOOST_TEST(ask("GET", "/api/v1/events?access_token=nonsense", stream).status == 401u);
}

BOOST_AUTO_TEST_CASE(revoking_all_tokens_opens_nothing)
{
    const std::string admin = make_token("root", role::admin);
    BOOST_TEST(ask("DELETE", "/api/v1/tokens/" + admin.substr(6, 10), with_token(admin)).status == 200u);
    BOOST_TEST(ask("GET", "/api/v1/self").status == 401u);
    BOOST_TEST(ask("GET", "/api/v1/self", with_token(admin)).status == 401u);
}

BOOST_AUTO_TEST_CASE(first_token_is_an_admins)
{
    sent s;
    s.body = R"({"name":"eve","role":"viewer"})";
    BOOST_TEST(ask("POST", "/api/v1/tokens", s).status == 409u);
    s.body = R"({"name":"root","role":"admin","expires":"90d"})";
    const auto made = ask("POST", "/api/v1/tokens", s);
    BOOST_TEST(made.status == 201u);
    const std::string token(json_of(made).at("text").as_string());
    BOOST_TEST(ask("GET", "/api/v1/self", with_token(token)).status == 200u);
    const auto listed = ask("GET", "/api/v1/tokens", with_token(token));
    BOOST_TEST(listed.body.find(token.substr(17)) == std::string::npos);
    for (const char* body : {R"({"name":"","role":"admin"})", R"({"name":"a b","role":"admin"})",
                             R"({"name":"a","role":"king"})", R"({"name":"a","role":"user","expires":"soon"})",
                             R"({"name":"a","role":"user","expires":"2020-01-01T00:00:00Z"})"}) {
        sent bad = with_token(token);
        bad.body = body;
        BOOST_TEST(ask("POST", "/api/v1/tokens", bad).status == 422u, body);
    }
}

BOOST_AUTO_TEST_CASE(audit_trail_tells_who_changed_what_from_where)
{
    const std::string admin = make_token("root", role::admin);
    const std::string viewer = make_token("eve", role::viewer);
    put_dag("a.yaml", "tasks: {a: {operator: sleep, with: {duration: 1ms}}}");
    BOOST_TEST(ask("POST", "/api/v1/dags/a/pause", with_token(admin)).status == 200u);
    BOOST_TEST(ask("POST", "/api/v1/dags/a/pause", with_token(viewer)).status == 403u);
    BOOST_TEST(ask("POST", "/api/v1/dags/b/pause", with_token(admin)).status == 404u);
    BOOST_TEST(ask("POST", "/api/v1/dags/a/pause").status == 401u);
    json::array entries;
    while (entries.size() < 3)
        entries = json_of(ask("GET", "/api/v1/audit", with_token(admin))).at("items").as_array();
    BOOST_TEST_REQUIRE(entries.size() == 3u);
    std::map<std::int64_t, json::value> by_status;
    for (const json::value& e : entries) {
        BOOST_TEST(e.at("action").as_string() == "pause_dag");
        BOOST_TEST(e.at("from").as_string() == "127.0.0.1");
        by_status[e.at("status").as_int64()] = e;
    }
    BOOST_TEST(by_status.at(200).at("who").as_string() == "root");
    BOOST_TEST(by_status.at(200).at("target").as_string() == "/api/v1/dags/a/pause");
    BOOST_TEST(by_status.at(403).at("who").as_string() == "eve");
    BOOST_TEST(by_status.at(403).as_object().contains("detail"));
    BOOST_TEST(by_status.at(404).at("who").as_string() == "root");
}

BOOST_AUTO_TEST_CASE(audit_trail_forgets_what_is_too_old)
{
    audit_trail audit(engine().loop(), engine().ledger());
    const wall_time now = engine().loop().wall_now();
    for (int day = 0; day < 5; ++day)
        finish(audit.record({now - std::chrono::hours(24 * day), "ann", {}, {}, "act", std::to_string(day), 200, {}}));
    BOOST_TEST(finish(audit.forget_before(now - std::chrono::hours(60))) == 2u);
    const auto left = audit.list({}, 0);
    BOOST_TEST_REQUIRE(left.size() == 3u);
    BOOST_TEST(left.front().second.at("target").as_string() == "0");
    BOOST_TEST(left.back().second.at("target").as_string() == "2");
}

BOOST_AUTO_TEST_SUITE_END()
