#include "engine/server/api/route.hpp"
#include "tests/unit/server/api_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <stdexcept>

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

/// Keeps what another one keeps, unless it fails, and counts what is read.
struct watched_ledger final : runtime::ledger
{
    explicit watched_ledger(runtime::ledger& l) : kept_in(l) {}

    task<bool> insert(std::string kind, std::string key, json::value value) override
    {
        if (fails)
            throw std::runtime_error("the disk is full");
        const bool added = co_await kept_in.insert(std::move(kind), std::move(key), std::move(value));
        co_return added;
    }

    task<> put(std::string kind, std::string key, json::value value) override
    {
        return kept_in.put(std::move(kind), std::move(key), std::move(value));
    }

    task<> erase(std::string kind, std::string key) override { return kept_in.erase(std::move(kind), std::move(key)); }

    std::optional<json::value> find(const std::string& kind, const std::string& key) override
    {
        ++read;
        return kept_in.find(kind, key);
    }

    std::vector<std::pair<std::string, json::value>> list(const std::string& kind, const std::string& after,
                                                          std::size_t limit) override
    {
        ++read;
        return kept_in.list(kind, after, limit);
    }

    runtime::ledger& kept_in;
    bool fails = false;
    std::size_t read = 0;
};

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

BOOST_AUTO_TEST_CASE(request_has_its_token_looked_up_once)
{
    const std::string token = make_token("ann", role::user);
    watched_ledger ledger(engine().ledger());
    token_book watched(ledger, host::number_of_the_system);
    const api_services all = services();
    api one({all.engine, all.journal, all.ledger, all.runs, watched, all.audit}, {});
    web::request r = request_for("GET", "/api/v1/self", with_token(token));
    BOOST_TEST(!one.refuse(r).has_value());
    BOOST_TEST(ledger.read == 1u);
    BOOST_TEST(json_of(finish(one.answer(std::move(r)))).at("name").as_string() == "ann");
    BOOST_TEST(ledger.read == 1u);
}

BOOST_AUTO_TEST_CASE(token_revoked_after_the_head_is_good_for_that_request_and_no_other)
{
    const std::string token = make_token("ann", role::user);
    web::request r = request_for("GET", "/api/v1/self", with_token(token));
    BOOST_TEST(!served().refuse(r).has_value());
    BOOST_TEST(finish(tokens().revoke(token.substr(6, 10), engine().loop().wall_now())).has_value());
    BOOST_TEST(finish(served().answer(std::move(r))).status == 200u);
    BOOST_TEST(ask("GET", "/api/v1/self", with_token(token)).status == 401u);
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
             {"evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", "[::2]:80", "",
              "localhost:evil.example", "localhost:80:80", "localhost:", "[::1]evil.example", "[::1]:", "[::1"}) {
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

BOOST_AUTO_TEST_CASE(secrets_of_callbacks_are_written_nowhere)
{
    const std::string admin = make_token("root", role::admin);
    sent s = with_token(admin);
    s.body = R"({"state":"success"})";
    ask("POST", "/api/v1/callbacks/geheim", s);
    ask("PUT", "/api/v1/callbacks/geheim", s);
    ask("POST", "/api/v1/callbacks/geheim/x", s);
    ask("POST", "/api/v1/Callbacks/geheim", s);
    ask("POST", "/callbacks/geheim?x=1", s);
    BOOST_TEST(logged.size() == 5u);
    for (const std::string& path : logged)
        BOOST_TEST(path == "/api/v1/callbacks/{token}");
    for (const std::string& text : said)
        BOOST_TEST(text.find("geheim") == std::string::npos, text);
    ask("GET", "/api/v1/runs");
    BOOST_TEST(logged.back() == "/api/v1/runs");
}

BOOST_AUTO_TEST_CASE(secret_of_a_token_in_a_path_is_written_nowhere)
{
    const std::string admin = make_token("root", role::admin);
    const std::string secret = admin.substr(admin.rfind('_') + 1);
    const std::string shown = admin.substr(0, admin.rfind('_') + 1) + "…";
    for (const std::string& token : {admin, admin.substr(0, admin.size() - 20)}) {
        const auto refused = ask("DELETE", "/api/v1/tokens/" + token, with_token(admin));
        BOOST_TEST(refused.status == 404u);
        BOOST_TEST(refused.body.find(shown) != std::string::npos, refused.body);
        BOOST_TEST(refused.body.find(secret.substr(0, 8)) == std::string::npos, refused.body);
        BOOST_TEST(logged.back() == "/api/v1/tokens/" + shown);
    }
    ask("POST", "/api/v1/runs/" + admin + "/cancel", with_token(admin));
    ask("GET", "/" + admin);
    for (const std::string& path : logged)
        BOOST_TEST(path.find(secret.substr(0, 8)) == std::string::npos, path);
    const auto trail = ask("GET", "/api/v1/audit", with_token(admin));
    BOOST_TEST(trail.body.find("/api/v1/tokens/" + shown) != std::string::npos, trail.body);
    BOOST_TEST(trail.body.find(secret.substr(0, 8)) == std::string::npos, trail.body);
    BOOST_TEST(without_secrets("potoo_production_load and potoo_a potoo_") ==
               "potoo_production_load and potoo_a potoo_");
}

BOOST_AUTO_TEST_CASE(audit_trail_keeps_little_of_what_others_send)
{
    const std::string admin = make_token("root", role::admin);
    const std::string viewer = make_token("eve", role::viewer);
    const std::string path = "/api/v1/runs/" + std::string(15'000, 'x');
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(ask("DELETE", path, with_token(viewer)).status == 403u);
    BOOST_TEST(ask("DELETE", path, with_token(admin)).status == 404u);
    json::array entries;
    const auto of_eve = [&] {
        entries = json_of(ask("GET", "/api/v1/audit?limit=1000", with_token(admin))).at("items").as_array();
        return static_cast<std::size_t>(std::count_if(
            entries.begin(), entries.end(), [](const json::value& e) { return e.at("who").as_string() == "eve"; }));
    };
    run_until([&] { return of_eve() >= audit_trail::noted_a_minute; });
    BOOST_TEST(of_eve() <= 2 * audit_trail::noted_a_minute);
    for (const json::value& e : entries)
        BOOST_TEST(json::serialize(e).size() < 1'000u);
}

BOOST_AUTO_TEST_CASE(audit_trail_counts_the_refusals_that_it_leaves_out)
{
    audit_trail audit(engine().loop(), engine().ledger());
    const wall_time then = engine().loop().wall_now();
    const std::size_t most = audit_trail::noted_a_minute;
    for (std::size_t i = 0; i < most + 12; ++i)
        audit.note({then, "eve", "1", {}, "act", "a", 403, "no"});
    audit.note({then, "ann", "2", {}, "act", "a", 403, "no"});
    audit.note({then + 60s, "eve", "1", {}, "act", "b", 403, "no"});
    std::vector<std::pair<std::string, json::value>> kept;
    while (kept.size() < most + 2) {
        boost::asio::post(engine().loop().executor(), [] {});
        run_until([&, seen = false]() mutable { return std::exchange(seen, true); });
        kept = audit.list({}, 0);
    }
    BOOST_TEST(kept.size() == most + 2);
    BOOST_TEST(kept.front().second.at("detail").as_string() == "(12 of this token before it are not listed) no");
}

BOOST_AUTO_TEST_CASE(audit_entry_that_cannot_be_written_is_told_of_and_written_later)
{
    watched_ledger ledger(engine().ledger());
    std::vector<std::string> told;
    audit_trail audit(engine().loop(), ledger, [&](std::string_view text) { told.emplace_back(text); });
    const wall_time now = engine().loop().wall_now();
    ledger.fails = true;
    audit.note({now, "eve", "1", {}, "act", "first", 403, {}});
    run_until([&] { return !told.empty(); });
    BOOST_TEST(told.front() == "1 entries of the audit trail wait, for they cannot be written: the disk is full");
    ledger.fails = false;
    audit.note({now, "eve", "1", {}, "act", "second", 403, {}});
    run_until([&] { return audit.list({}, 0).size() == 2u; });
    BOOST_TEST(audit.list({}, 0).back().second.at("target").as_string() == "first");
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
