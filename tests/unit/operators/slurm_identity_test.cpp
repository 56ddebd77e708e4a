// Whose job it is: ids that were given to others, cancellations, and submissions of which nobody knows.

#include "tests/unit/operators/slurm_fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace potoo;
using namespace potoo::test;

namespace {

constexpr const char* quick_array =
    R"({"command": "true", "array": true, "logs": false, "settle": "10ms", "poll": {"interval": "10ms", "max_interval": "20ms"}})";

struct identity_fixture : slurm_fixture
{
    /// An attempt whose job another engine launched.
    std::unique_ptr<fake_context> resumed(std::string id, std::string_view with = quick)
    {
        auto ctx = attempt(with);
        ctx->history = {{"launch_intent", json::value("t")}, {"launch_recorded", json::value(json::string(id))}};
        return ctx;
    }

    template <class Condition>
    void run_until(Condition c)
    {
        while (!c())
            context.run_one();
    }

    static bool has_said(const fake_context& ctx, std::string_view what)
    {
        return std::any_of(ctx.lines.begin(), ctx.lines.end(),
                           [&](const std::string& l) { return l.find(what) != std::string::npos; });
    }

    const std::string own = attempt()->launch_name.value();
    const std::string group = attempt()->group_name.value();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(slurm_identity, identity_fixture)

BOOST_AUTO_TEST_CASE(id_that_was_given_to_another_job_is_not_watched)
{
    for (const char* state : {"COMPLETED", "RUNNING", "PENDING"}) {
        for (const char* comment : {"of another", ""}) {
            slurm.jobs = {{1, {0, "null", "", state, comment}}};
            shared.clear();
            auto ctx = resumed("1");
            const std::string text = failure_of(*this, *ctx);
            BOOST_TEST(
                text.starts_with("lost: Slurm does not know the job 1 any more, and has given its id to another"),
                text);
        }
    }
}

BOOST_AUTO_TEST_CASE(id_of_an_array_that_was_given_to_another_array_is_not_watched)
{
    slurm.jobs[1] = {1, "null", "0-9", "PENDING", "of another"};
    auto ctx = resumed("1_4", quick_array);
    ctx->item_position = item_index(4);
    const std::string text = failure_of(*this, *ctx);
    BOOST_TEST(text.starts_with("lost: Slurm does not know the job 1_4 any more, and has given its id"), text);
}

BOOST_AUTO_TEST_CASE(job_of_another_is_not_cancelled)
{
    slurm.jobs[1] = {0, "null", "", "RUNNING", own};
    slurm.unchanged = true;
    auto ctx = resumed("1");
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return slurm.count("GET /jobs") >= 2; });
    slurm.jobs[1].comment = "of another";
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(slurm.count("DELETE") == 0U);
    BOOST_TEST(slurm.jobs[1].state == "RUNNING");
    BOOST_TEST(ctx->unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(own_job_is_cancelled)
{
    slurm.jobs[1] = {0, "null", "", "RUNNING", own};
    auto ctx = resumed("1");
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return slurm.count("GET /jobs") >= 1; });
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(slurm.count("DELETE /job/1") == 1U);
    BOOST_TEST(slurm.count("GET /job/1") == 1U);
    BOOST_TEST(ctx->unconfirmed.empty());
}

BOOST_AUTO_TEST_CASE(job_that_cannot_be_looked_at_is_not_cancelled_before_it_can)
{
    slurm.jobs[1] = {0, "null", "", "RUNNING", own};
    int refusals = 0;
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (line != "GET /job/1" || ++refusals > 1)
            return std::nullopt;
        BOOST_TEST(slurm.count("DELETE") == 0U);
        return played_slurm::error(500, 1800, "Unable to contact slurm controller (connect failure)");
    };
    auto ctx = resumed("1");
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return slurm.count("GET /jobs") >= 1; });
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(slurm.count("DELETE /job/1") == 1U);
    BOOST_TEST(has_said(*ctx, "cannot reach Slurm's controller"));
}

BOOST_AUTO_TEST_CASE(elements_cancelled_together_look_at_their_array_once_and_keep_to_the_limits)
{
    slurm.jobs[1] = {1, "null", "0-19", "PENDING", group};
    std::size_t under_way = 0;
    slurm.on_request = [&](std::string_view line) {
        if (!line.starts_with("DELETE"))
            return;
        // Those that were sent and are not answered yet, this one included.
        const auto sent = std::count_if(slurm.client.requests.begin(), slurm.client.requests.end(),
                                        [](const http_request& r) { return r.method == "DELETE"; });
        under_way = std::max(under_way, static_cast<std::size_t>(sent) - slurm.count("DELETE") + 1);
        if (slurm.count("DELETE") == 20)
            slurm.jobs.erase(1);
    };
    const json::object connection{
        {"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token", token}, {"concurrency", 2}};
    std::vector<std::unique_ptr<fake_context>> contexts;
    std::vector<std::unique_ptr<started_task<json::value>>> tasks;
    for (std::uint32_t i = 0; i < 20; ++i) {
        contexts.push_back(resumed(fmt::format("1_{}", i), quick_array));
        contexts.back()->item_position = item_index(i);
        contexts.back()->connections["slurm"] = connection;
    }
    for (auto& c : contexts)
        tasks.push_back(std::make_unique<started_task<json::value>>(loop, c->perform()));
    run_until([&] { return slurm.count("GET /jobs") >= 2; });
    BOOST_TEST(slurm.count("GET /job/") == 0U);
    for (auto& t : tasks)
        t->cancel(cancel_reason::user);
    run_until([&] { return slurm.count("DELETE") >= 1; });
    BOOST_TEST(slurm.count("GET /job/1") <= 2U);
    for (auto& t : tasks)
        BOOST_CHECK_THROW(finish(*t), cancelled);
    BOOST_TEST(slurm.count("DELETE") == 20U);
    BOOST_TEST(under_way <= 2U);
}

BOOST_AUTO_TEST_CASE(list_that_began_before_the_cancellation_does_not_confirm_it)
{
    slurm.jobs[1] = {1, "null", "0-2,...", "PENDING", group};
    auto ctx = resumed("1_4", quick_array);
    ctx->item_position = item_index(4);
    slurm.on_request = [&](std::string_view line) {
        if (!line.starts_with("GET /jobs"))
            return;
        if (slurm.count("GET /jobs") == 1)
            slurm.client.latency = duration{300};
        if (slurm.count("GET /jobs") >= 3)
            slurm.jobs[2] = {1, "4", "", "CANCELLED", group};
    };
    started_task<json::value> t(loop, ctx->perform());
    const auto lists_sent = [&] {
        return std::count_if(slurm.client.requests.begin(), slurm.client.requests.end(),
                             [](const http_request& r) { return r.url.find("/jobs") != std::string::npos; });
    };
    run_until([&] { return lists_sent() >= 2; });
    slurm.client.latency = duration{1};
    t.cancel(cancel_reason::user);
    BOOST_CHECK_THROW(finish(t), cancelled);
    BOOST_TEST(slurm.count("DELETE /job/1_4") == 1U);
    BOOST_TEST(slurm.count("GET /jobs") == 3U);
}

BOOST_AUTO_TEST_CASE(item_beyond_the_largest_array_is_refused_alone)
{
    std::vector<std::unique_ptr<fake_context>> contexts;
    std::vector<std::unique_ptr<started_task<json::value>>> tasks;
    for (const std::uint32_t item : {3U, 1001U, 4U}) {
        contexts.push_back(attempt(quick_array));
        contexts.back()->item_position = item_index(item);
        tasks.push_back(std::make_unique<started_task<json::value>>(loop, contexts.back()->perform()));
    }
    slurm.on_request = [&](std::string_view line) {
        if (!line.starts_with("GET") || slurm.jobs.empty())
            return;
        slurm.jobs[1] = {1, "3", "", "COMPLETED", group};
        slurm.jobs[2] = {1, "4", "", "COMPLETED", group};
    };
    try {
        finish(*tasks[1]);
        BOOST_ERROR("the item was taken");
    } catch (const fatal& f) {
        BOOST_TEST(f.code() == "array_too_large");
        BOOST_TEST(std::string(f.what()).starts_with("item 1001 is too far"), f.what());
        BOOST_TEST(std::string(f.what()).find("`max_array`") != std::string::npos, f.what());
    }
    BOOST_TEST(finish(*tasks[0]).at("id").as_string() == "1_3");
    BOOST_TEST(finish(*tasks[2]).at("id").as_string() == "1_4");
    BOOST_TEST(slurm.submitted.at("job").at("array").as_string() == "3-4");
}

BOOST_AUTO_TEST_CASE(submission_that_was_taken_before_the_token_expired_is_looked_for)
{
    // Taken, answered by a connection that broke off, and by then the token has expired.
    const std::string fresh = jwt(3600, "fresh");
    command.outputs = {jwt(2, "old")};
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        slurm.jobs[7] = {0, "null", "", "COMPLETED", own};
        slurm.good_token = fresh;
        return played_slurm::error(500, 5005, "Zero Bytes were transmitted or received");
    };
    slurm.on_request = [&](std::string_view) {
        if (slurm.count("GET /ping") == 2)
            command.outputs = {fresh};
    };
    auto ctx = attempt(quick, command_connection());
    BOOST_TEST(run(ctx->perform()).at("id").as_string() == "7");
    BOOST_TEST(slurm.count("POST") == 1U);
}

BOOST_AUTO_TEST_CASE(submission_that_was_taken_before_the_token_was_gone_is_looked_for)
{
    const std::string fresh = jwt(3600, "fresh");
    command.outputs = {jwt(2, "old")};
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        slurm.jobs[7] = {0, "null", "", "COMPLETED", own};
        slurm.good_token = fresh;
        command.exit_code = 1;
        return played_slurm::error(500, 5005, "Zero Bytes were transmitted or received");
    };
    auto ctx = attempt(quick, command_connection());
    started_task<json::value> t(loop, ctx->perform());
    run_until([&] { return t.ended() || has_said(*ctx, "cannot ask for the job"); });
    command.exit_code = 0;
    command.outputs = {fresh};
    BOOST_TEST(finish(t).at("id").as_string() == "7");
    BOOST_TEST(slurm.count("POST") == 1U);
}

BOOST_AUTO_TEST_CASE(token_that_cannot_have_been_good_leaves_nothing_in_doubt)
{
    slurm.good_token = "another";
    for (const std::string& refused : {jwt(-50, "expired"), jwt(3600, "anotherkey"), std::string("none")}) {
        shared.clear();
        auto ctx = attempt(
            quick,
            {{"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token", json::string(refused)}});
        failure_class kind{};
        const std::string text = failure_of(*this, *ctx, &kind);
        BOOST_TEST((kind == failure_class::fatal));
        BOOST_TEST(text.starts_with("unauthorized: Slurm at http://slurm:6820 refuses"), text);
    }
}

BOOST_AUTO_TEST_CASE(refusal_by_slurmrestd_itself_leaves_nothing_in_doubt)
{
    slurm.instead = [&](std::string_view line) -> std::optional<http_response> {
        if (!line.starts_with("POST"))
            return std::nullopt;
        slurm.good_token = "another";
        return http_response{401, {}, "Authentication failure"};
    };
    auto ctx =
        attempt(quick, {{"type", "slurm"}, {"url", "http://slurm:6820"}, {"user", "alice"}, {"token", jwt(5, "soon")}});
    failure_class kind{};
    const std::string text = failure_of(*this, *ctx, &kind);
    BOOST_TEST((kind == failure_class::fatal));
    BOOST_TEST(text.starts_with("unauthorized: "), text);
    BOOST_TEST(slurm.count("GET /jobs") == 0U);
}

BOOST_AUTO_TEST_CASE(user_is_named_or_asked_for)
{
    const auto keep = [](const char* name) {
        const char* value = std::getenv(name);
        return std::pair(name, value ? std::optional<std::string>(value) : std::nullopt);
    };
    const std::array kept{keep("USER"), keep("LOGNAME")};
    unsetenv("USER");
    unsetenv("LOGNAME");
    const json::object connection{{"type", "slurm"}, {"url", "http://slurm:6820"}, {"token", token}};
    auto ctx = attempt(quick, connection);
    const std::string text = failure_of(*this, *ctx);
    setenv("LOGNAME", "carol", 1);
    ctx = attempt(quick, connection);
    slurm.on_request = [&](std::string_view) {
        for (auto& [id, j] : slurm.jobs)
            j.state = "COMPLETED";
    };
    run(ctx->perform());
    for (const auto& [name, value] : kept) {
        if (value)
            setenv(name, value->c_str(), 1);
        else
            unsetenv(name);
    }
    BOOST_TEST(text.starts_with("no_connection: it is not said on whose behalf"), text);
    const auto& headers = slurm.client.requests.front().headers;
    BOOST_TEST(std::any_of(headers.begin(), headers.end(),
                           [](const auto& h) { return h.name == "X-SLURM-USER-NAME" && h.value == "carol"; }));
}

BOOST_AUTO_TEST_SUITE_END()
