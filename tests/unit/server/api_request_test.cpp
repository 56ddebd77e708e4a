#include "engine/server/api/route.hpp"
#include "tests/unit/server/api_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;

namespace {

std::string path_of(const route& r)
{
    std::string path(r.path);
    for (auto begin = path.find('{'); begin != std::string::npos; begin = path.find('{'))
        path.replace(begin, path.find('}') - begin + 1, "x0");
    return path;
}

std::string type_of(const web::reply& r)
{
    return std::string(json_of(r).at("type").as_string());
}

sent with_body(std::string body)
{
    sent s;
    s.body = std::move(body);
    return s;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(requests_to_the_api, api_trial)

BOOST_AUTO_TEST_CASE(every_path_names_its_methods_to_other_methods)
{
    for (const route& r : routes()) {
        const auto reply = ask("PATCH", path_of(r));
        BOOST_TEST_INFO_SCOPE(r.path);
        BOOST_TEST(reply.status == 405u);
        BOOST_TEST_REQUIRE(field_of(reply, "Allow"));
        BOOST_TEST(field_of(reply, "Allow")->find(r.method) != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(every_route_refuses_parameters_that_it_does_not_know)
{
    for (const route& r : routes()) {
        const auto reply = ask(std::string(r.method), path_of(r) + "?surely_unknown=1");
        BOOST_TEST_INFO_SCOPE(r.method << ' ' << r.path);
        BOOST_TEST(reply.status == 400u);
        BOOST_TEST(type_of(reply) == "urn:potoo:problem:query-invalid");
    }
}

BOOST_AUTO_TEST_CASE(wrong_query_is_answered_with_what_is_wanted)
{
    const auto near = ask("GET", "/api/v1/runs?lmit=5");
    BOOST_TEST(near.status == 400u);
    BOOST_TEST(json_of(near).at("errors").at(0).at("suggestion").as_string() == "limit");
    for (const char* query : {"limit=0", "limit=1001", "limit=x", "limit=-1", "limit=", "limit=1&limit=2", "state=odd",
                              "since=yesterday", "unfinished=yes", "cursor=x", "cursor=99999999999"}) {
        const auto reply = ask("GET", std::string("/api/v1/runs?") + query);
        BOOST_TEST(reply.status == 400u, query << " got " << reply.status);
    }
    const auto word = ask("GET", "/api/v1/runs?state=sucess");
    BOOST_TEST(json_of(word).at("errors").at(0).at("suggestion").as_string() == "success");
}

BOOST_AUTO_TEST_CASE(answer_to_a_wrong_query_is_short)
{
    std::string many = "/healthz?a=1";
    for (int i = 0; i < 5'000; ++i)
        many += "&p" + std::to_string(i);
    const auto too_many = ask("GET", many);
    BOOST_TEST(too_many.status == 400u);
    BOOST_TEST(too_many.body.size() < 1'000u);
    const std::string text(15'000, 'x');
    for (const std::string& query : {"limit=" + text, text + "=1", text + '&' + text})
        BOOST_TEST(ask("GET", "/api/v1/runs?" + query).body.size() < 3'000u);
    std::string some = "/api/v1/runs?a0";
    for (int i = 1; i < 32; ++i)
        some += "&a" + std::to_string(i);
    const auto errors = json_of(ask("GET", some)).at("errors").as_array();
    BOOST_TEST(errors.size() == 21u);
    BOOST_TEST(errors.back().at("detail").as_string() == "and more, which is not listed");
}

BOOST_AUTO_TEST_CASE(answer_to_a_wrong_body_is_short)
{
    json::array numbers(50'000, 1);
    json::object odd;
    for (int i = 0; i < 5'000; ++i)
        odd["odd" + std::to_string(i)] = i;
    odd[std::string(100'000, 'x')] = 1;
    const std::string list = json::serialize(json::object{{"name", numbers}, {"role", "user"}});
    for (const std::string& body : {json::serialize(odd), list}) {
        const auto reply = ask("POST", "/api/v1/tokens", with_body(body));
        BOOST_TEST(reply.status == 422u);
        BOOST_TEST(json_of(reply).at("errors").as_array().size() <= 21u);
        BOOST_TEST(reply.body.size() < 20'000u);
    }
}

BOOST_AUTO_TEST_CASE(every_route_with_a_body_refuses_what_is_none)
{
    for (const route& r : routes()) {
        if (r.method == "GET")
            continue;
        BOOST_TEST_INFO_SCOPE(r.method << ' ' << r.path);
        const std::string method(r.method);
        const std::string path = path_of(r);
        for (const char* body : {"{", "x", "{} {}", R"({"a":})"})
            BOOST_TEST(type_of(ask(method, path, with_body(body))) == "urn:potoo:problem:json-malformed", body);
        BOOST_TEST(type_of(ask(method, path, with_body(std::string(100, '[') + std::string(100, ']')))) ==
                   "urn:potoo:problem:json-too-deep");
        sent form;
        form.body = "a=1";
        web::request request = request_for(method, path, form);
        std::erase_if(request.fields, [](const web::field& f) { return f.first == "content-type"; });
        BOOST_TEST(finish(answer_to(std::move(request))).status == 415u);
        web::request head = request_for(method, path);
        BOOST_TEST(!served().refuse(head).has_value());
        const std::size_t limit = served().body_limit(head);
        BOOST_TEST(ask(method, path, with_body('"' + std::string(limit, 'x') + '"')).status == 413u);
        const unsigned list = ask(method, path, with_body("[]")).status;
        BOOST_TEST((list == 422u || list == 400u), list);
        const auto odd = ask(method, path, with_body(R"({"surely_unknown":1})"));
        BOOST_TEST((odd.status >= 400u && odd.status < 500u));
        if (r.body_required)
            BOOST_TEST(type_of(ask(method, path)) == "urn:potoo:problem:body-missing");
    }
}

BOOST_AUTO_TEST_CASE(paths_that_lead_nowhere_are_told_the_nearest)
{
    const auto reply = ask("GET", "/api/v1/rnus");
    BOOST_TEST(reply.status == 404u);
    BOOST_TEST(std::string(json_of(reply).at("detail").as_string()).find("/api/v1/runs") != std::string::npos);
    BOOST_TEST(ask("GET", "/").status == 404u);
    BOOST_TEST(ask("GET", "/api/v1/runs/x0/tasks/a/b/c/d/e").status == 404u);
}

BOOST_AUTO_TEST_CASE(odd_names_are_nobodys_fault_but_the_callers)
{
    for (const std::string& odd :
         {std::string(10'000, 'a'), std::string("' OR 1=1 --"), std::string("\xf0\x9f\xa6\x89"), std::string("a\nb"),
          std::string("-1"), std::string("4294967296"), std::string("1e3"), std::string("%"), std::string("{run}")})
        for (const route& r : routes()) {
            if (r.in_path.empty())
                continue;
            web::request request = request_for(std::string(r.method), std::string(r.path), with_body("{}"));
            for (std::string& segment : request.segments)
                if (segment.starts_with('{'))
                    segment = odd;
            const auto reply = finish(answer_to(std::move(request)));
            BOOST_TEST((reply.status >= 400u && reply.status < 500u),
                       r.method << ' ' << r.path << " of " << odd.substr(0, 20) << " gave " << reply.status);
        }
    BOOST_TEST(said.empty());
}

BOOST_AUTO_TEST_CASE(what_is_known_is_not_sent_again)
{
    const auto first = ask("GET", "/api/v1/operators");
    BOOST_TEST_REQUIRE(field_of(first, "ETag"));
    const std::string etag = *field_of(first, "ETag");
    for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
        sent s;
        s.fields = {{"if-none-match", known}};
        const auto again = ask("GET", "/api/v1/operators", s);
        BOOST_TEST(again.status == 304u);
        BOOST_TEST(again.body.empty());
        BOOST_TEST(*field_of(again, "ETag") == etag);
    }
    sent other;
    other.fields = {{"if-none-match", "\"other\""}};
    BOOST_TEST(ask("GET", "/api/v1/operators", other).status == 200u);
}

BOOST_AUTO_TEST_CASE(problems_that_the_server_finds_look_like_all_others)
{
    const auto r = served().problem(408, "The head did not come within 10 s.");
    BOOST_TEST(r.status == 408u);
    BOOST_TEST(*field_of(r, "Content-Type") == "application/problem+json");
    BOOST_TEST(json_of(r).at("title").as_string() == "Request Timeout");
}

BOOST_AUTO_TEST_SUITE_END()
