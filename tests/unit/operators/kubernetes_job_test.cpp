// kubernetes_job against an API that answers what the test says.

#include "fake_context.hpp"
#include "scripted_http.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

using namespace potoo;
using test::fake_context;
using test::operator_fixture;
using test::scripted_http;

namespace {

constexpr const char* whole_job = R"({"metadata": {"name": "potoo-run000000001-task", "namespace": "ns", "uid": "u1",
    "labels": {"potoo.dev/token": "potoo-run000000001-task"}},
    "status": {"conditions": [{"type": "Complete", "status": "True"}]}})";

std::string header(const http_request& r, std::string_view name)
{
    for (const auto& h : r.headers) {
        if (h.name == name)
            return h.value;
    }
    return {};
}

struct fixture : operator_fixture
{
    fixture()
    {
        std::filesystem::create_directories(folder);
        ::setenv("KUBECONFIG", (folder / "config").c_str(), 1);
        configure("{token: old}");
        http.reply = [this](const http_request& r) { return answer(r); };
    }

    ~fixture()
    {
        ::unsetenv("KUBECONFIG");
        std::filesystem::remove_all(folder);
    }

    fixture(const fixture&) = delete;
    fixture& operator=(const fixture&) = delete;

    void configure(const std::string& user) const
    {
        std::ofstream(folder / "config") << R"(clusters: [{name: c, cluster: {server: "https://kube"}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: ns}}]
current-context: x
users: [{name: u, user: )" << user << "}]\n";
    }

    [[nodiscard]] http_response answer(const http_request& r) const
    {
        if (const auto found = on_post; r.method == "POST" && found)
            return found(r);
        if (r.method == "POST")
            return scripted_http::json(201, whole_job);
        if (r.url.find("/pods") != std::string::npos)
            return scripted_http::json(200, R"({"items": []})");
        if (r.url.find("watch=1") != std::string::npos)
            return scripted_http::json(200, "");
        if (r.url.find("?") == std::string::npos)
            return scripted_http::json(200, by_name);
        return scripted_http::json(200, std::string(R"({"metadata": {"resourceVersion": "7"}, "items": [)") +
                                            whole_job + "]}");
    }

    json::value perform(std::string_view with = R"({"image": "i"})")
    {
        fake_context ctx(loop, "kubernetes_job", with);
        ctx.client = &http;
        ctx.runner = runner ? runner : nullptr_runner();
        json::value output = run(ctx.perform());
        concealed = ctx.concealed;
        return output;
    }

    /// Most tests of this file run no process.
    static process_runner* nullptr_runner()
    {
        struct no_runner final : process_runner
        {
            task<process_end> run(process_spec, output_sink) override
            {
                throw std::logic_error("no process is run here");
            }
        };

        static no_runner r;
        return &r;
    }

    [[nodiscard]] bool hides(std::string_view secret) const
    {
        return std::find(concealed.begin(), concealed.end(), secret) != concealed.end();
    }

    std::string code_of(std::string_view with = R"({"image": "i"})")
    {
        try {
            (void)perform(with);
        } catch (const task_error& e) {
            message = e.what();
            return e.code();
        }
        return {};
    }

    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("potoo-kubeconfig-" + std::to_string(::getpid()));
    scripted_http http;
    process_runner* runner = nullptr;
    std::function<http_response(const http_request&)> on_post;
    std::string by_name = whole_job;
    std::vector<std::string> concealed;
    std::string message;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(kubernetes_job_operator, fixture)

BOOST_AUTO_TEST_CASE(job_that_ends_before_anybody_waits_is_seen)
{
    const json::value output = perform();
    BOOST_TEST(output.at("id") == "ns/potoo-run000000001-task/u1");
    BOOST_TEST(output.at("state") == "Complete");
    BOOST_TEST(concealed.size() >= 1);
    BOOST_TEST(concealed.at(0) == "old");
}

BOOST_AUTO_TEST_CASE(refused_token_is_read_again_from_the_kubeconfig)
{
    on_post = [&](const http_request& r) {
        configure("{token: new}");
        const bool good = header(r, "Authorization") == "Bearer new";
        return good ? scripted_http::json(201, whole_job) : scripted_http::json(401, "{}");
    };
    BOOST_TEST(perform().at("state") == "Complete");
    BOOST_TEST(hides("new"));
}

BOOST_AUTO_TEST_CASE(refused_token_that_stays_the_same_is_sent_once)
{
    int posts = 0;
    on_post = [&](const http_request&) {
        ++posts;
        return scripted_http::json(401, "{}");
    };
    BOOST_TEST(code_of() == "unauthorized");
    BOOST_TEST(posts == 1);
    BOOST_TEST(message.find("old") == std::string::npos);
    BOOST_TEST(message.find("user u of " + (folder / "config").string()) != std::string::npos, message);
}

BOOST_AUTO_TEST_CASE(user_name_and_password_are_sent_as_basic_authentication)
{
    configure("{username: user, password: pass}");
    BOOST_TEST(perform().at("state") == "Complete");
    BOOST_TEST(header(http.requests.at(0), "Authorization") == "Basic dXNlcjpwYXNz");
    BOOST_TEST(hides("pass"));
}

BOOST_AUTO_TEST_CASE(service_account_of_the_pod_is_the_last_resort)
{
    ::unsetenv("KUBECONFIG");
    std::ofstream(folder / "token") << "pod-token\n";
    std::ofstream(folder / "namespace") << "team";
    const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
    ::setenv("HOME", folder.c_str(), 1);
    ::setenv("POTOO_SERVICE_ACCOUNT", folder.c_str(), 1);
    BOOST_TEST(code_of() == "no_cluster");
    ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    BOOST_TEST(perform().at("state") == "Complete");
    for (const char* name : {"POTOO_SERVICE_ACCOUNT", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"})
        ::unsetenv(name);
    ::setenv("HOME", home.c_str(), 1);
    BOOST_TEST(http.requests.at(0).url.starts_with("https://[fd00::1]:443/apis/batch/v1/namespaces/team/jobs"));
    BOOST_TEST(header(http.requests.at(0), "Authorization") == "Bearer pod-token");
}

BOOST_AUTO_TEST_CASE(job_of_that_name_is_ours_by_its_label)
{
    on_post = [](const http_request&) {
        return scripted_http::json(409, R"({"kind": "Status", "reason": "AlreadyExists", "message": "exists"})");
    };
    BOOST_TEST(perform().at("id") == "ns/potoo-run000000001-task/u1");
    by_name = R"({"metadata": {"name": "potoo-run000000001-task", "uid": "u2"}, "status": {}})";
    BOOST_TEST(code_of() == "name_taken");
}

BOOST_AUTO_TEST_CASE(errors_are_told_apart)
{
    const auto code_for = [&](unsigned status, const char* body) {
        on_post = [status, body](const http_request&) { return scripted_http::json(status, body); };
        return code_of();
    };
    BOOST_TEST(code_for(403, R"({"kind": "Status", "message": "jobs is forbidden: exceeded quota: q"})") == "quota");
    BOOST_TEST(code_for(403, R"({"kind": "Status", "message": "User x cannot create"})") == "forbidden");
    BOOST_TEST(code_for(403, R"({"kind": "Status", "message": "namespace n because it is being terminated"})") ==
               "no_namespace");
    BOOST_TEST(code_for(422, R"({"kind": "Status", "message": "spec.x is wrong"})") == "invalid_spec");
    BOOST_TEST(message.find("spec.x is wrong") != std::string::npos);
    BOOST_TEST(code_for(404, "{}") == "http_404");
}

BOOST_AUTO_TEST_CASE(bad_settings_are_refused_before_anything_is_sent)
{
    BOOST_TEST(code_of(R"({"image": "i", "namespace": "../../x"})").empty());
    BOOST_TEST(message.find("namespace") != std::string::npos);
    message.clear();
    BOOST_TEST(code_of(R"({"image": "i", "poll": {"interval": "often"}})").empty());
    BOOST_TEST(message.find("interval") != std::string::npos);
    ::setenv("KUBECONFIG", "/not/there", 1);
    BOOST_TEST(code_of() == "bad_kubeconfig");
    BOOST_TEST(http.requests.empty());
}

BOOST_AUTO_TEST_CASE(credential_that_never_expires_is_asked_for_once)
{
    struct plugin final : process_runner
    {
        task<process_end> run(process_spec, output_sink sink) override
        {
            ++runs;
            sink(output_stream::standard_output, R"({"kind": "ExecCredential", "status": {"token": "lasting",
                "expirationTimestamp": "9999-12-31T23:59:59Z"}})");
            co_return process_end{};
        }

        int runs = 0;
    } plug;

    runner = &plug;
    configure("{exec: {apiVersion: client.authentication.k8s.io/v1, command: plug}}");
    BOOST_TEST(perform().at("state") == "Complete");
    BOOST_TEST(http.requests.size() > 1u);
    BOOST_TEST(plug.runs == 1);
    BOOST_TEST(header(http.requests.at(0), "Authorization") == "Bearer lasting");
}

BOOST_AUTO_TEST_SUITE_END()
