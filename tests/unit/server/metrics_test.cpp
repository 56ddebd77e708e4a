#include "engine/server/metrics/metrics.hpp"
#include "engine/server/metrics/statsd_sender.hpp"
#include "tests/unit/server/server_trial.hpp"

#include <potoo/context.hpp>
#include <potoo/operator.hpp>
#include <potoo/wait.hpp>

#include <boost/asio/ip/udp.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <regex>
#include <set>
#include <sstream>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

task<json::value> last_a_minute(context&)
{
    co_await sleep_for(1min);
    co_return json::value();
}

POTOO_OPERATOR("measured_wait", last_a_minute, {.summary = "Waits."})

/// Asks and never hears.
class deaf_watcher final : public watcher
{
  public:
    explicit deaf_watcher(potoo::loop& l) : watcher(l, "deaf", {}) {}

    ~deaf_watcher() override { stop(); }

    bool hears = false;

  private:
    task<> look(page p) override
    {
        if (!hears)
            co_await never_.reached(1);
        for (watch* w : p) {
            if (w)
                missing(*w);
        }
    }

    counter never_;
};

class patient_watch final : public watch
{
  public:
    using watch::watch;

    const poll_pace& pace() const noexcept override { return pace_; }

    bool judge(const json::value&) override { return true; }

    bool judge_missing() override { return true; }

  private:
    poll_pace pace_;
};

task<> wait_for_job(watcher& w)
{
    patient_watch job(w);
    co_await job;
}

void must_not_end(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
        BOOST_ERROR("it has ended");
    } catch (const std::exception& e) {
        BOOST_ERROR(e.what());
    }
}

struct measured_trial : server_trial
{
    measured_trial() { start_service(); }

    metrics measured{engine(), carrier(), "1.2.3"};

    bool shows(const std::string& line)
    {
        const std::string text = measured.prometheus();
        const bool found = text.find(line + "\n") != std::string::npos;
        if (!found)
            BOOST_TEST_MESSAGE("no '" << line << "' in\n" << text);
        return found;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(measuring, measured_trial)

BOOST_AUTO_TEST_CASE(tasks_are_counted_by_state_and_runs_by_their_end)
{
    task_request wish;
    wish.operator_name = "measured_wait";
    submit(admin, wish);
    BOOST_TEST(shows("potoo_runs_active 1"));
    BOOST_TEST(shows("potoo_tasks{state=\"running\"} 1"));
    BOOST_TEST(shows("potoo_runs_ended_total{state=\"success\"} 0"));
    pass(2min);
    BOOST_TEST(shows("potoo_runs_active 0"));
    BOOST_TEST(shows("potoo_tasks{state=\"running\"} 0"));
    BOOST_TEST(shows("potoo_runs_ended_total{state=\"success\"} 1"));
}

BOOST_AUTO_TEST_CASE(commits_are_measured)
{
    task_request wish;
    wish.operator_name = "measured_wait";
    submit(admin, wish);
    pass(2min);
    BOOST_TEST(engine().figures().commits.count() > 0u);
    BOOST_TEST((engine().figures().commit_waiting == 0s));
}

BOOST_AUTO_TEST_CASE(every_line_is_one_that_prometheus_reads)
{
    measured.add_source([](metric_sink& s) { s.only("potoo_more", metric_kind::gauge, "More.", 1); });
    const std::regex comment("# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))");
    const std::regex sample(R"re([a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)re");
    std::istringstream lines(measured.prometheus());
    std::set<std::string> families;
    for (std::string line; std::getline(lines, line);) {
        BOOST_TEST(std::regex_match(line, line.starts_with('#') ? comment : sample), line);
        if (line.starts_with("# TYPE"))
            BOOST_TEST(families.insert(line.substr(7, line.rfind(' ') - 7)).second, "twice: " << line);
        if (line.starts_with("# TYPE") && line.ends_with("counter"))
            BOOST_TEST(line.find("_total ") != std::string::npos, line);
    }
    BOOST_TEST(families.contains("potoo_more"));
    BOOST_TEST(families.contains("potoo_wakeup_lateness_seconds"));
    BOOST_TEST(families.contains("potoo_backend_calls_total"));
}

BOOST_AUTO_TEST_CASE(watcher_that_makes_no_progress_is_no_health)
{
    BOOST_TEST(measured.health().good());
    deaf_watcher w(loop);
    async_run(loop, "job", wait_for_job(w), [](const std::exception_ptr&) {});
    pass(4min);
    BOOST_TEST(measured.health().good());
    BOOST_TEST(shows("potoo_backend_jobs_waiting{backend=\"deaf\"} 1"));
    BOOST_TEST(shows("potoo_backend_calls_under_way{backend=\"deaf\"} 1"));
    pass(2min);
    const health_report bad = measured.health();
    BOOST_TEST_REQUIRE(bad.problems.size() == 1u);
    BOOST_TEST(bad.problems[0].starts_with("no call to deaf has ended for 5m"), bad.problems[0]);
    BOOST_TEST(bad.details.at("status") == json::value("stuck"));
}

BOOST_AUTO_TEST_CASE(watcher_that_has_nothing_to_ask_is_healthy)
{
    deaf_watcher w(loop);
    w.hears = true;
    async_run(loop, "job", wait_for_job(w), [](const std::exception_ptr&) {});
    pass(20min);
    BOOST_TEST(measured.health().good());
    BOOST_TEST(shows("potoo_backend_calls_total{backend=\"deaf\"} 1"));
}

BOOST_AUTO_TEST_CASE(loop_that_does_not_come_to_its_timers_is_no_health)
{
    loop.advance_to(loop.now() + 11s);
    BOOST_TEST(!measured.health().good());
    pass(1s);
    BOOST_TEST(measured.health().good());
    BOOST_TEST(shows("potoo_loop_stalls_total 1"));
}

BOOST_AUTO_TEST_CASE(statsd_gets_the_same_values)
{
    statsd_lines lines;
    measured.collect(lines);
    std::string all;
    for (const std::string& packet : lines.take())
        all += packet + "\n";
    BOOST_TEST(all.find("potoo_runs_active:0|g\n") != std::string::npos, all);
    BOOST_TEST(all.find("potoo_tasks.deferred:0|g\n") != std::string::npos, all);
}

BOOST_AUTO_TEST_CASE(statsd_server_hears_every_ten_seconds)
{
    using boost::asio::ip::udp;
    udp::socket server(context, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    server.non_blocking(true);
    const std::string address = "127.0.0.1:" + std::to_string(server.local_endpoint().port());
    std::vector<std::string> said;
    const auto say = [&](std::string_view text) { said.emplace_back(text); };
    async_run(loop, "statsd", send_statsd(loop, measured, address, say), must_not_end);
    loop.run(25s);
    std::size_t collections = 0;
    std::array<char, 2'000> room{};
    boost::system::error_code none;
    while (const std::size_t n = server.receive(boost::asio::buffer(room), 0, none))
        collections += std::string_view(room.data(), n).find("potoo_runs_active:0|g") != std::string_view::npos ? 1 : 0;
    BOOST_TEST(collections == 3u);
    BOOST_TEST(said.empty());
}

BOOST_AUTO_TEST_CASE(statsd_server_that_is_nowhere_is_said_once)
{
    std::vector<std::string> said;
    const auto say = [&](std::string_view text) { said.emplace_back(text); };
    async_run(loop, "statsd", send_statsd(loop, measured, "127.0.0.1:many", say), must_not_end);
    loop.run(60s);
    BOOST_TEST_REQUIRE(said.size() == 1u);
    BOOST_TEST(said[0].find("127.0.0.1:many is not found") != std::string::npos, said[0]);
}

BOOST_AUTO_TEST_SUITE_END()
