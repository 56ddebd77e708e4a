#include "engine/cli/remote/api_path.hpp"
#include "engine/cli/remote/server_access.hpp"
#include "engine/cli/remote/server_error.hpp"
#include "engine/cli/usage_error.hpp"

#include <potoo/http.hpp>

#include <boost/test/unit_test.hpp>

using namespace potoo::cli;

namespace {

const asked_of_server asked{"POST", "http://potoo:8080", "/api/v1/dags/d/runs", true};

bool holds(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

server_error of_problem(unsigned status, std::string_view body)
{
    return error_of_answer(asked, {status, "application/problem+json", body, "", ""});
}

bool is_one_line(const server_error& e)
{
    return std::string_view(e.what()).find('\n') == std::string_view::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(server_errors)

BOOST_AUTO_TEST_CASE(problem_is_told_as_what_where_and_next)
{
    const server_error e = of_problem(422, R"({"title": "Unprocessable Content", "detail": "The parameters are wrong.",
        "errors": [{"place": "/params/n", "detail": "`n` must be a whole number"},
                   {"place": "/params/cohrt", "detail": "there is none", "suggestion": "cohort"}]})");
    BOOST_TEST(e.what() == "potoo: error: The parameters are wrong.\n"
                           "  /params/n: `n` must be a whole number\n"
                           "  /params/cohrt: there is none; did you mean cohort?\n"
                           "  asked: POST http://potoo:8080/api/v1/dags/d/runs (422 Unprocessable Entity)\n");
    BOOST_TEST((e.code() == exit_code::usage));
    BOOST_TEST(
        holds(of_problem(404, R"({"detail": "There is no DAG d"})").what(), "\n  next: `potoo ls --dags` lists"));
    BOOST_TEST(!holds(of_problem(404, R"({"detail": "There is no DAG d; did you mean e?"})").what(), "next:"));
    // A command says it better than a request.
    BOOST_TEST(
        !holds(of_problem(404, R"({"detail": "There is no DAG d; GET /api/v1/dags lists them."})").what(), "; GET"));
}

BOOST_AUTO_TEST_CASE(refusal_is_one_line_that_says_what_to_do)
{
    for (const unsigned status : {401U, 403U}) {
        const server_error e = of_problem(status, R"({"detail": "The token has expired."})");
        BOOST_TEST(is_one_line(e), e.what());
        BOOST_TEST(holds(e.what(), "The token has expired; "), e.what());
        BOOST_TEST(holds(e.what(), "--token-file"));
        BOOST_TEST((e.code() == exit_code::unreachable));
        BOOST_TEST(e.status() == status);
    }
}

BOOST_AUTO_TEST_CASE(refusal_has_one_advice)
{
    const server_error missing = of_problem(401, R"({"type": "urn:potoo:problem:token-missing",
        "detail": "This needs a token: send `Authorization: Bearer TOKEN`; `potoo token create` makes one."})");
    BOOST_TEST(missing.what() == "the server at http://potoo:8080 refuses (401 Unauthorized): it needs a token; give "
                                 "another token with POTOO_TOKEN or --token-file");
    const server_error old =
        of_problem(401, R"({"detail": "The token a (ci) has expired; `potoo token create NAME` makes one."})");
    BOOST_TEST(old.what() == "the server at http://potoo:8080 refuses (401 Unauthorized): The token a (ci) has "
                             "expired; `potoo token create NAME` makes one");
    const server_error wrong = of_problem(401, R"({"detail": "There is no such token. Look whether it is whole."})");
    BOOST_TEST(!holds(wrong.what(), ";"), wrong.what());
}

BOOST_AUTO_TEST_CASE(text_of_a_server_cannot_move_the_cursor)
{
    const server_error e = of_problem(409, "{\"detail\": \"a\\u001b[2Jb\\nc\"}");
    BOOST_TEST(holds(e.what(), "error: a?[2Jb\n  c\n"), e.what());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_file_keeps_its_lines)
{
    const server_error e =
        of_problem(409, R"({"detail": "It must be mended:\nd.yaml:2:1: error: x\n   2 | y\n     | ^\n"})");
    BOOST_TEST(e.what() == "potoo: error: It must be mended:\n"
                           "  d.yaml:2:1: error: x\n"
                           "     2 | y\n"
                           "       | ^\n"
                           "  asked: POST http://potoo:8080/api/v1/dags/d/runs (409 Conflict)\n");
    BOOST_TEST(is_one_line(of_problem(403, R"({"detail": "no\nway"})")));
}

BOOST_AUTO_TEST_CASE(what_is_no_problem_document_is_no_potoo_server)
{
    const server_error page = error_of_answer(asked, {404, "text/html", "<h1>Not Found</h1>", "", ""});
    BOOST_TEST(holds(page.what(), "no potoo server"), page.what());
    BOOST_TEST(is_one_line(page));
    BOOST_TEST((page.code() == exit_code::unreachable));
    const server_error moved = error_of_answer(asked, {301, "", "", "https://potoo/", ""});
    BOOST_TEST(holds(moved.what(), "https://potoo/"), moved.what());
    const server_error proxy = error_of_answer(asked, {502, "text/html", "", "", ""});
    BOOST_TEST(holds(proxy.what(), "does not answer"), proxy.what());
}

BOOST_AUTO_TEST_CASE(lost_connection_says_whether_it_was_done)
{
    using potoo::http_error;
    const server_error refused = error_of_exchange(asked, http_error::connect_failed, "potoo:8080: refused");
    BOOST_TEST(holds(refused.what(), "potoo:8080: refused"), refused.what());
    BOOST_TEST(holds(refused.what(), "is `potoo server` running"), refused.what());
    const server_error lost = error_of_exchange(asked, http_error::connection_lost, "");
    BOOST_TEST(holds(lost.what(), "whether it has done it is not known"), lost.what());
    const server_error read = error_of_exchange({"GET", "https://p", "/", false}, http_error::connection_lost, "");
    BOOST_TEST(holds(read.what(), "cannot be reached"), read.what());
    const server_error tls = error_of_exchange(asked, http_error::tls_failed, "self-signed certificate");
    BOOST_TEST(holds(tls.what(), "--ca-file"), tls.what());
    for (const auto* e : {&refused, &lost, &read, &tls}) {
        BOOST_TEST(is_one_line(*e));
        BOOST_TEST((e->code() == exit_code::unreachable));
    }
}

BOOST_AUTO_TEST_CASE(addresses_are_checked_before_anything_is_sent)
{
    BOOST_TEST(checked_server_url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080");
    BOOST_TEST(checked_server_url("https://example.org/potoo/api/v1/") == "https://example.org/potoo");
    for (const char* wrong : {"", "127.0.0.1:8080", "ftp://a", "http://", "http://a:99999", "http://me:word@a",
                              "http://a/?x=1", "http://a b"})
        BOOST_CHECK_THROW(static_cast<void>(checked_server_url(wrong)), usage_error);
}

BOOST_AUTO_TEST_CASE(token_is_one_word)
{
    BOOST_TEST(checked_token(" potoo_1_2\n", "f") == "potoo_1_2");
    for (const char* wrong : {"", " \n", "a b", "a\nb", "a\x7f", "\xc3\xa4"})
        BOOST_CHECK_THROW(static_cast<void>(checked_token(wrong, "f")), usage_error);
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_their_place_in_a_path)
{
    api_path path({"dags", "a/../b?c#d e%\xc3\xa4", "runs"});
    path.with("dag", "").with("by", "x&y=z");
    BOOST_TEST(path.text() == "/api/v1/dags/a%2F..%2Fb%3Fc%23d%20e%25%C3%A4/runs?by=x%26y%3Dz");
    for (const char* wrong : {"", ".", ".."})
        BOOST_CHECK_THROW(api_path({"runs", wrong}), usage_error);
}

BOOST_AUTO_TEST_SUITE_END()
