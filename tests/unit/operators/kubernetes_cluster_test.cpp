// What attempts of one engine share about a cluster, on a virtual clock.

#include "engine/loop/virtual_loop.hpp"
#include "operators/kubernetes/cluster.hpp"

#include "fake_context.hpp"
#include "scripted_http.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

using namespace potoo;
using kubernetes::cluster;
using test::fake_context;
using test::scripted_http;
using test::started_task;

namespace {

struct engine_fixture
{
    engine_fixture()
    {
        std::filesystem::create_directories(folder);
        configure("me", "old");
        http.reply = [](const http_request&) { return scripted_http::json(200, "{}"); };
    }

    ~engine_fixture() { std::filesystem::remove_all(folder); }

    engine_fixture(const engine_fixture&) = delete;
    engine_fixture& operator=(const engine_fixture&) = delete;

    void configure(std::string_view user, std::string_view token) const
    {
        std::ofstream(folder / "config") << R"(clusters: [{name: c, cluster: {server: "https://kube"}}]
contexts: [{name: x, context: {cluster: c, namespace: ns, user: )"
                                         << user << R"(}}]
current-context: x
users: [{name: )" << user
                                         << ", user: {token: " << token << "}}]\n";
    }

    fake_context& attempt()
    {
        fake_context& ctx = attempts.emplace_back(loop, "kubernetes_job", R"({"image": "i"})");
        ctx.client = &http;
        ctx.runner = &processes;
        ctx.shared = &shared;
        ctx.connections["kubernetes"] = {{"kubeconfig", (folder / "config").string()}};
        return ctx;
    }

    template <class T>
    T finish(started_task<T>& e)
    {
        while (!e.ended()) {
            context.restart();
            if (loop.step())
                continue;
            if (loop.next_due() == steady_time::max())
                BOOST_TEST_REQUIRE(context.run_one() == 1u, "the task waits for nothing");
            else
                loop.advance_to(loop.next_due());
        }
        return e.take();
    }

    template <class T>
    T run(task<T> t)
    {
        started_task<T> e(loop, std::move(t));
        return finish(e);
    }

    cluster* cluster_of_another_attempt() { return &run(kubernetes::cluster_of(attempt())).get(); }

    std::string token_sent_by(cluster& c)
    {
        http_request r;
        r.url = "/version";
        (void)run(c.server().send(std::move(r)));
        for (const auto& h : http.requests.back().headers) {
            if (h.name == "Authorization")
                return h.value;
        }
        return {};
    }

    [[nodiscard]] long sent(std::string_view part) const
    {
        return std::count_if(http.requests.begin(), http.requests.end(),
                             [&](const http_request& r) { return r.url.find(part) != std::string::npos; });
    }

    void pass(duration d) { loop.advance_to(loop.now() + d); }

    struct : process_runner
    {
        task<process_end> run(process_spec, output_sink) override { throw std::logic_error("no process is run here"); }
    } processes;

    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("potoo-cluster-" + std::to_string(::getpid()));
    boost::asio::io_context context{1};
    virtual_loop loop{context};
    scripted_http http;
    fake_context::shared_objects shared;
    std::deque<fake_context> attempts;
};

/// An API on which the Job ends when the test says so.
struct api_fixture : engine_fixture
{
    api_fixture()
    {
        http.reply = [this](const http_request& r) { return answer(r); };
    }

    [[nodiscard]] http_response answer(const http_request& r)
    {
        if (r.method == "POST")
            return scripted_http::json(201, job("{}"));
        if (r.url.find("watch=1") != std::string::npos)
            return scripted_http::json(500, R"({"kind": "Status", "message": "no watch today"})");
        if (r.url.find("limit=") != std::string::npos)
            return scripted_http::json(200, page(++listings));
        if (r.url.find("/pods") != std::string::npos)
            return scripted_http::json(200, R"({"items": []})");
        return scripted_http::json(200, R"({"items": [)" + job(complete) + "]}");
    }

    static std::string job(std::string_view status)
    {
        return R"({"metadata": {"name": "potoo-run000000001-task", "namespace": "ns", "uid": "u1"}, "status": )" +
               std::string(status) + "}";
    }

    static constexpr const char* complete = R"({"conditions": [{"type": "Complete", "status": "True"}]})";
    std::function<std::string(int listing)> page;
    int listings = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_cluster)

BOOST_FIXTURE_TEST_CASE(kubeconfig_written_anew_brings_new_credentials_to_the_same_cluster, engine_fixture)
{
    cluster* const c = cluster_of_another_attempt();
    BOOST_TEST(token_sent_by(*c) == "Bearer old");
    configure("me", "another");
    pass(duration{1'000});
    BOOST_TEST(cluster_of_another_attempt() == c);
    BOOST_TEST(token_sent_by(*c) == "Bearer another");
}

BOOST_FIXTURE_TEST_CASE(another_user_is_not_given_to_those_who_wait, engine_fixture)
{
    cluster* const mine = cluster_of_another_attempt();
    BOOST_TEST(token_sent_by(*mine) == "Bearer old");
    configure("somebody", "theirs");
    pass(duration{1'000});
    cluster* const theirs = cluster_of_another_attempt();
    BOOST_TEST(theirs != mine);
    BOOST_TEST(token_sent_by(*theirs) == "Bearer theirs");
    BOOST_TEST(token_sent_by(*mine) == "Bearer old");
    http.reply = [](const http_request&) { return scripted_http::json(401, "{}"); };
    pass(duration{60'000});
    BOOST_TEST(token_sent_by(*mine) == "Bearer old");
}

BOOST_FIXTURE_TEST_CASE(files_are_looked_at_once_a_second_at_most, engine_fixture)
{
    cluster* const c = cluster_of_another_attempt();
    std::filesystem::remove(folder / "config");
    pass(duration{999});
    BOOST_TEST(cluster_of_another_attempt() == c);
    pass(duration{1});
    BOOST_CHECK_THROW(cluster_of_another_attempt(), fatal);
}

BOOST_FIXTURE_TEST_CASE(attempts_that_begin_together_look_once_and_share, engine_fixture)
{
    started_task<std::reference_wrapper<cluster>> first(loop, kubernetes::cluster_of(attempt()));
    started_task<std::reference_wrapper<cluster>> second(loop, kubernetes::cluster_of(attempt()));
    cluster* const c = &finish(first).get();
    BOOST_TEST(&finish(second).get() == c);
}

BOOST_FIXTURE_TEST_CASE(listing_that_leads_back_to_itself_ends, api_fixture)
{
    page = [](int) { return R"({"metadata": {"resourceVersion": "7", "continue": "again"}, "items": []})"; };
    fake_context& ctx = attempt();
    BOOST_TEST(run(ctx.perform()).at("state") == "Complete");
    BOOST_TEST(listings < 50);
    BOOST_TEST(std::any_of(ctx.lines.begin(), ctx.lines.end(), [](const std::string& line) {
        return line.find("leads back to a page") != std::string::npos;
    }));
}

BOOST_FIXTURE_TEST_CASE(stream_that_fails_for_long_begins_with_a_listing, api_fixture)
{
    page = [](int listing) {
        return R"({"metadata": {"resourceVersion": "7"}, "items": [)" + job(listing == 1 ? "{}" : complete) + "]}";
    };
    BOOST_TEST(run(attempt().perform()).at("state") == "Complete");
    BOOST_TEST(listings == 2);
    BOOST_TEST(sent("%20in%20") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
