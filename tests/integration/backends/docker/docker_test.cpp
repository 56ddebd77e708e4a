// What the conformance suite does not ask: the container's options, its log, refusals of the engine, and what is left.

#include "tests/integration/backends/fault_proxy.hpp"
#include "tests/integration/backends/service.hpp"
#include "tests/integration/conformance/trial_engine.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace potoo;
using potoo::test::fault_proxy;
using schedule::run_state;

namespace {

struct needs_docker : test::needs_service
{
    needs_docker() : needs_service("POTOO_TEST_DOCKER", "Docker engine") {}
};

BOOST_TEST_GLOBAL_FIXTURE(needs_docker);

bool contains(std::string_view text, std::string_view part)
{
    BOOST_TEST_MESSAGE(text);
    return text.find(part) != std::string_view::npos;
}

/// One engine of ours, and one of Docker's.
struct world
{
    std::string docker = test::service_setting("POTOO_TEST_DOCKER");
    std::string trial = fmt::format("t{:x}", std::random_device{}());
    test::side_client side;
    conformance::trial_engine engine;

    world() { speak_to(docker); }

    ~world()
    {
        for (const json::value& c : containers()) {
            http_request r;
            r.method = "DELETE";
            r.url = fmt::format("{}:/v1.41/containers/{}?force=1", docker, std::string_view(c.at("Id").as_string()));
            (void)side.send(std::move(r));
        }
    }

    static void speak_to(const std::string& address) { ::setenv("DOCKER_HOST", address.c_str(), 1); }

    /// `with` and the task's other fields; image, network and labels are there.
    void start(std::string_view with, std::string_view fields = {}, std::string_view image = "bb:1")
    {
        engine.start(fmt::format("tasks:\n  job:\n    operator: docker\n{}    with:\n      image: \"{}\"\n"
                                 "      network: none\n      labels: {{trial: {}}}\n{}",
                                 fields, image, trial, with),
                     {});
    }

    run_state run(std::string_view with, std::string_view fields = {}, std::string_view image = "bb:1")
    {
        start(with, fields, image);
        return engine.finish();
    }

    json::value output()
    {
        const run_state end = engine.finish();
        BOOST_TEST_REQUIRE((end == run_state::success), json::serialize(engine.error()));
        return engine.output();
    }

    std::string code() { return std::string(engine.error().at("code").as_string()); }

    std::string message() { return std::string(engine.error().at("message").as_string()); }

    std::string failure_class() { return std::string(engine.error().at("class").as_string()); }

    /// Those of this test that there are, ended or not.
    json::array containers()
    {
        const std::string filter = R"(%7B%22label%22%3A%5B%22trial%3D)" + trial + R"(%22%5D%7D)";
        return side.json("GET", docker + ":/v1.41/containers/json?all=1&filters=" + filter).as_array();
    }
};

/// With a proxy on the way.
struct proxied : world
{
    fault_proxy proxy{docker};

    proxied() { speak_to(proxy.url()); }

    void add(std::string_view method, std::string_view part, fault_proxy::fault what, std::string answer = {},
             std::string body = {}, int times = 1)
    {
        fault_proxy::rule r;
        r.applies = [method = std::string(method), part = std::string(part)](std::string_view m, std::string_view t) {
            return m == method && t.find(part) != std::string_view::npos;
        };
        r.what = what;
        r.answer = std::move(answer);
        r.body = std::move(body);
        r.times = times;
        proxy.add(std::move(r));
    }

    std::size_t requested(std::string_view method, std::string_view part) const
    {
        const auto all = proxy.requests();
        return static_cast<std::size_t>(std::ranges::count_if(
            all, [&](const std::string& r) { return r.starts_with(method) && r.find(part) != std::string::npos; }));
    }
};

constexpr auto answers = fault_proxy::fault::answers;
constexpr auto loses = fault_proxy::fault::loses;

} // namespace

BOOST_AUTO_TEST_SUITE(docker_container)

BOOST_FIXTURE_TEST_CASE(has_the_environment_directory_and_user_that_were_asked_for, world)
{
    start("      command: 'echo \"{\\\"a\\\": \\\"$A\\\", \\\"b\\\": \\\"$B\\\", \\\"c\\\": \\\"$C\\\", \\\"dir\\\": "
          "\\\"$(pwd)\\\", \\\"user\\\": $(id -u)}\"'\n"
          "      env: {B: own, C: 3}\n      working_dir: /tmp\n      user: '1234'\n",
          "    env: {A: task, B: hidden}\n");
    const json::value out = output();
    BOOST_TEST(json::serialize(out.at("result")) == R"({"a":"task","b":"own","c":"3","dir":"/tmp","user":1234})");
    BOOST_TEST(out.at("exit_code") == json::value(0));
    BOOST_TEST(out.at("state") == json::value(json::string("exited")));
    BOOST_TEST(out.at("image") == json::value(json::string("bb:1")));
    BOOST_TEST(contains(out.at("name").as_string(), "-"));
}

BOOST_FIXTURE_TEST_CASE(sees_volumes_and_cannot_write_those_that_are_only_read, world)
{
    const auto directory = std::filesystem::temp_directory_path() / ("potoo-docker-" + trial);
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "in.txt") << "from outside\n";
    start(fmt::format("      command: 'cat /in/in.txt; touch /in/x || true; cat /in/in.txt > /out/copy.txt'\n"
                      "      volumes: ['{0}:/in:ro', '{0}:/out']\n",
                      directory.string()));
    (void)output();
    BOOST_TEST(contains(engine.logs(), "from outside"));
    BOOST_TEST(contains(engine.logs(), "Read-only"));
    BOOST_TEST(std::filesystem::exists(directory / "copy.txt"));
    BOOST_TEST(!std::filesystem::exists(directory / "x"));
    std::filesystem::remove_all(directory);
}

BOOST_FIXTURE_TEST_CASE(that_needs_more_memory_than_it_may_have_is_named_so, world)
{
    const auto end =
        run("      command: [tail, /dev/zero]\n      memory: 16MiB\n      host_config: {MemorySwap: 16777216}\n");
    BOOST_TEST((end == run_state::failed));
    BOOST_TEST(code() == "oom_killed");
}

BOOST_FIXTURE_TEST_CASE(has_the_limits_that_were_asked_for, world)
{
    start("      command: 'sleep 1000'\n      cpus: 0.5\n      memory: 32m\n      stop_grace: 0s\n"
          "      host_config: {ShmSize: 1048576}\n      container: {Hostname: worker}\n");
    engine.run_until([&] { return engine.deferred(); });
    const json::array all = containers();
    BOOST_TEST_REQUIRE(all.size() == 1u);
    const std::string id(all.front().at("Id").as_string());
    const json::value c = side.json("GET", docker + ":/v1.41/containers/" + id + "/json");
    BOOST_TEST(c.at("HostConfig").at("NanoCpus") == json::value(500'000'000));
    BOOST_TEST(c.at("HostConfig").at("Memory") == json::value(32 << 20));
    BOOST_TEST(c.at("HostConfig").at("ShmSize") == json::value(1 << 20));
    BOOST_TEST(c.at("Config").at("Hostname") == json::value(json::string("worker")));
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(containers().empty());
}

BOOST_FIXTURE_TEST_CASE(with_a_terminal_gives_its_log_as_it_is, world)
{
    start("      command: 'test -t 1 && echo a terminal; echo err >&2; echo 7'\n      container: {Tty: true}\n");
    BOOST_TEST(output().at("result") == json::value(7));
    BOOST_TEST(contains(engine.logs(), "a terminal"));
    BOOST_TEST(contains(engine.logs(), "err"));
}

BOOST_FIXTURE_TEST_CASE(may_write_much, world)
{
    start("      command: 'i=0; while [ $i -lt 20000 ]; do echo \"line $i of standard output\"; echo err >&2; "
          "i=$((i+1)); done; echo \"[20000]\"'\n");
    BOOST_TEST(json::serialize(output().at("result")) == "[20000]");
    const std::string kept = engine.logs();
    for (const char* line : {"line 0 of standard output\n", "line 1999 of standard output\n", "err\n"})
        BOOST_TEST((kept.find(line) != std::string::npos), line);
}

BOOST_FIXTURE_TEST_CASE(is_removed_after_its_end_unless_it_is_to_stay, world)
{
    start("      command: 'exit 3'\n");
    BOOST_TEST((engine.finish() == run_state::failed));
    BOOST_TEST(code() == "exit_3");
    BOOST_TEST(containers().empty());
}

BOOST_FIXTURE_TEST_CASE(stays_when_it_is_to_stay, world)
{
    start("      command: 'exit 0'\n      remove: false\n");
    (void)output();
    BOOST_TEST(containers().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(that_ended_before_it_was_told_to_stop_has_succeeded, world)
{
    start("      command: 'exit 0'\n      remove: false\n");
    engine.run_until([&] {
        const auto all = containers();
        return all.size() == 1 && all.front().at("State") == "exited";
    });
    engine.cancel();
    const auto end = engine.finish();
    BOOST_TEST((end == run_state::success || end == run_state::cancelled));
    BOOST_TEST(engine.unconfirmed() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(docker_refusals)

BOOST_FIXTURE_TEST_CASE(image_that_is_not_there_and_not_to_be_pulled_is_fatal, world)
{
    BOOST_TEST((run("      pull: never\n", {}, "no-such-image:1") == run_state::failed));
    BOOST_TEST(code() == "no_such_image");
    BOOST_TEST(failure_class() == "fatal");
    BOOST_TEST(
        contains(message(), "cannot create a container of no-such-image:1: the Docker engine says: No such image"));
}

BOOST_FIXTURE_TEST_CASE(image_that_cannot_be_pulled_says_why, world)
{
    BOOST_TEST((run("      pull: missing\n", {}, "127.0.0.1:1/none:1") == run_state::failed));
    BOOST_TEST(code() == "pull_failed");
    BOOST_TEST(failure_class() == "retryable");
    BOOST_TEST(contains(message(), "cannot pull the image 127.0.0.1:1/none:1: the Docker engine says: "));
    BOOST_TEST(contains(engine.logs(), "pulling the image 127.0.0.1:1/none:1"));
}

BOOST_FIXTURE_TEST_CASE(name_that_is_no_image_is_fatal, world)
{
    BOOST_TEST((run("      command: x\n", {}, "no image") == run_state::failed));
    BOOST_TEST(code() == "bad_image");
    BOOST_TEST((world().run("      pull: never\n", {}, "UPPER/:x") == run_state::failed));
}

BOOST_FIXTURE_TEST_CASE(command_that_is_not_there_is_told_and_leaves_nothing, world)
{
    BOOST_TEST((run("      command: [/no/such/program]\n") == run_state::failed));
    BOOST_TEST(code() == "cannot_start");
    BOOST_TEST(contains(message(), "/no/such/program"));
    BOOST_TEST(containers().empty());
}

BOOST_FIXTURE_TEST_CASE(address_where_nobody_listens_is_named_with_its_source, world)
{
    speak_to("unix:///no/such/docker.sock");
    BOOST_TEST((run("      command: x\n") == run_state::failed));
    BOOST_TEST(failure_class() == "retryable");
    BOOST_TEST(code() == "connect_failed");
    BOOST_TEST(
        contains(message(), "no answer from the Docker engine at unix:/no/such/docker.sock (address: DOCKER_HOST)"));
    BOOST_TEST(contains(message(), "No such file or directory"));
    world other;
    speak_to("ssh://somebody@somewhere");
    BOOST_TEST((other.run("      command: x\n") == run_state::failed));
    BOOST_TEST(other.failure_class() == "fatal");
    BOOST_TEST(contains(other.message(), "ssh -nNT -L"));
}

BOOST_FIXTURE_TEST_CASE(host_without_an_address_is_a_failure_to_resolve, world)
{
    speak_to("tcp://no-such-host.invalid:2375");
    BOOST_TEST((run("      command: x\n") == run_state::failed));
    BOOST_TEST(code() == "resolve_failed");
    BOOST_TEST(contains(message(), "no-such-host.invalid"));
}

BOOST_FIXTURE_TEST_CASE(missing_right_is_fatal_and_names_the_engine, proxied)
{
    add("GET", "/images/", answers, "403 Forbidden\r\n", R"({"message": "authorization denied by plugin"})");
    BOOST_TEST((run("      command: x\n", "    retry: {limit: 3, delay: 10ms}\n") == run_state::failed));
    BOOST_TEST(code() == "forbidden");
    BOOST_TEST(contains(message(), "authorization denied by plugin"));
    BOOST_TEST(contains(message(), proxy.url()));
    BOOST_TEST(requested("POST", "/create") == 0u);
}

BOOST_FIXTURE_TEST_CASE(missing_right_during_the_wait_is_waited_out, proxied)
{
    start("      command: 'sleep 1; echo 1'\n");
    engine.run_until([&] { return engine.deferred(); });
    add("GET", "/json", answers, "401 Unauthorized\r\n", R"({"message": "who are you?"})", 2);
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(contains(engine.logs(), "who are you?"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(docker_launch)

BOOST_FIXTURE_TEST_CASE(lost_answer_to_the_start_starts_once, proxied)
{
    add("POST", "/start", loses);
    start("      command: 'echo 1'\n      remove: false\n");
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(containers().size() == 1u);
    BOOST_TEST(requested("POST", "/create") == 1u);
}

BOOST_FIXTURE_TEST_CASE(container_that_was_made_and_not_started_is_started_when_it_is_found, proxied)
{
    add("POST", "/start", answers, "503 Service Unavailable\r\n");
    start("      command: 'echo 1'\n      remove: false\n");
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(containers().size() == 1u);
    BOOST_TEST(requested("POST", "/create") == 1u);
    BOOST_TEST(requested("POST", "/start") == 2u);
}

BOOST_FIXTURE_TEST_CASE(name_that_is_taken_is_ours, proxied)
{
    // The first answer is lost, and whoever looks for the container does not find it.
    add("POST", "/create", loses);
    add("GET", "/json", answers, "200 OK\r\n", "{}", 1); // the image
    add("GET", "/json", answers, "404 Not Found\r\n", R"({"message": "No such container"})", 2);
    start("      command: 'echo 1'\n      remove: false\n");
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(containers().size() == 1u);
    BOOST_TEST(requested("POST", "/create") == 2u);
}

BOOST_FIXTURE_TEST_CASE(name_that_is_taken_may_be_said_with_status_500, proxied)
{
    add("POST", "/create", loses);
    add("POST", "/create", answers, "500 Internal Server Error\r\n",
        R"({"message": "creating container storage: the container name \"x\" is already in use by 12"})");
    add("GET", "/json", answers, "200 OK\r\n", "{}", 1); // the image
    add("GET", "/json", answers, "404 Not Found\r\n", R"({"message": "No such container"})", 2);
    start("      command: 'echo 1'\n      remove: false\n");
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(containers().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(engine_says_which_version_it_takes, proxied)
{
    add("GET", "/images/", answers, "400 Bad Request\r\n",
        R"({"message": "client version 1.41 is too old. Minimum supported API version is 1.40, please upgrade"})");
    start("      command: 'echo 1'\n");
    BOOST_TEST(output().at("result") == json::value(1));
    BOOST_TEST(requested("POST", "/v1.40/containers/create") == 1u);
}

BOOST_FIXTURE_TEST_CASE(many_that_wait_are_asked_about_by_one_listing, proxied)
{
    const auto listings = [&] { return requested("GET", "/containers/json"); };
    const auto looks_at_one = [&] { return requested("GET", "/json") - listings() - requested("GET", "/images/"); };
    start("      command: 'sleep 3600'\n", "    foreach: [1, 2, 3, 4, 5, 6, 7, 8]\n");
    const auto are_running = [&] {
        const json::array all = containers();
        return all.size() == 8u &&
               std::ranges::all_of(all, [](const json::value& c) { return c.at("State").as_string() == "running"; });
    };
    engine.run_until([&] { return requested("POST", "/start") == 8u; });
    engine.run_until(are_running);
    // What was under way may have been asked before; and the first look at the last to start may be at one alone.
    const std::size_t first = listings() + 3;
    engine.run_until([&] { return listings() >= first; });
    const std::size_t before = looks_at_one();
    engine.run_until([&] { return listings() >= first + 5; });
    // One that a listing left out for a moment is asked about alone: of 40 looks, few.
    BOOST_TEST(looks_at_one() - before <= 4u);
    engine.cancel();
    BOOST_TEST((engine.finish() == run_state::cancelled));
    BOOST_TEST(containers().empty());
}

BOOST_AUTO_TEST_SUITE_END()
