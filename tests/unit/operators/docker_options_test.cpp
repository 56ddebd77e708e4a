#include "operators/docker/docker_options.hpp"

#include "operators/docker/docker_engine.hpp"
#include "operators/docker/docker_image.hpp"
#include "operators/docker/docker_watch.hpp"
#include "tests/unit/operators/fake_context.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>

using namespace potoo;
using namespace potoo::docker;
using namespace potoo::test;

namespace {

json::value parsed(std::string_view text)
{
    return json::parse(json::string_view(text.data(), text.size()));
}

container_options options_of(std::string_view with)
{
    return read_options(parsed(with).as_object());
}

std::string refusal_of(std::string_view with)
{
    try {
        (void)options_of(with);
    } catch (const fatal& f) {
        return f.what();
    }
    return "it was taken";
}

bool contains(const std::string& text, std::string_view part)
{
    BOOST_TEST_MESSAGE(text);
    return text.find(part) != std::string::npos;
}

struct reading_an_address
{
    operator_fixture world;
    fake_context ctx{world.loop, "docker", R"({"image": "x"})"};
    std::map<std::string, std::string> variables;

    engine_address read()
    {
        connection_reader c(ctx, "docker");
        auto a = read_address(c, [&](const char* name) {
            const auto found = variables.find(name);
            return found == variables.end() ? nullptr : found->second.c_str();
        });
        c.finish();
        return a;
    }
};

std::optional<job_result> end_of(std::string_view state, bool told_to_stop = false, bool stopped = false)
{
    const std::string text =
        R"({"Id": "c1", "Name": "/token", "Config": {"Image": "bb:1"}, "State": )" + std::string(state) + "}";
    return end_of_container(parsed(text), told_to_stop, stopped);
}

} // namespace

BOOST_AUTO_TEST_SUITE(docker_options)

BOOST_AUTO_TEST_CASE(short_form_becomes_what_the_engine_takes)
{
    operator_fixture world;
    fake_context ctx(world.loop, "docker", R"({"image": "bb:1", "command": "echo $A", "env": {"A": 1, "B": "b"},
        "volumes": ["/host:/in:ro", "data:/out"], "network": "none", "cpus": 1.5, "memory": "512MiB", "pull": "never",
        "working_dir": "/w", "user": "1000:1000", "labels": {"team": "x"}})");
    ctx.variables = {{"A", "task"}, {"C", "c"}};
    const auto o = read_options(ctx.input());
    BOOST_CHECK(o.pull == pull_policy::never);
    BOOST_TEST(o.body_for(ctx, ctx.environment()) == parsed(R"({
        "Image": "bb:1", "Cmd": ["/bin/sh", "-c", "echo $A"], "Env": ["A=task", "C=c", "A=1", "B=b"],
        "WorkingDir": "/w", "User": "1000:1000",
        "Labels": {"team": "x", "potoo.token": "potoo-run000000001-task", "potoo.run": "run000000001", "potoo.task": "task"},
        "HostConfig": {"Binds": ["/host:/in:ro", "data:/out"], "NetworkMode": "none", "NanoCpus": 1500000000,
                       "Memory": 536870912}})")
                                                         .as_object());
}

BOOST_AUTO_TEST_CASE(fields_of_the_engine_prevail_and_are_joined)
{
    operator_fixture world;
    fake_context ctx(world.loop, "docker", R"({"image": "x", "command": ["a", 1], "entrypoint": "/e", "memory": "1g",
        "host_config": {"Memory": 5, "ShmSize": 7}, "labels": {"a": "b"},
        "container": {"Tty": true, "HostConfig": {"CapAdd": ["ALL"]}, "Labels": {"c": "d", "potoo.token": "mine"},
                      "Env": ["X=y"]}})");
    const auto o = read_options(ctx.input());
    const json::object body = o.body_for(ctx, {});
    BOOST_TEST(body.at("Cmd") == parsed(R"(["a", "1"])"));
    BOOST_TEST(body.at("Entrypoint") == parsed(R"(["/e"])"));
    BOOST_TEST(body.at("Tty") == json::value(true));
    BOOST_TEST(body.at("Env") == parsed(R"(["X=y"])"));
    BOOST_TEST(body.at("HostConfig") == parsed(R"({"Memory": 5, "ShmSize": 7, "CapAdd": ["ALL"]})"));
    BOOST_TEST(body.at("Labels").at("c") == json::value(json::string("d")));
    BOOST_TEST(body.at("Labels").at("a") == json::value(json::string("b")));
    BOOST_TEST(body.at("Labels").at("potoo.token") == json::value(json::string(ctx.launch_name.value())));
}

BOOST_AUTO_TEST_CASE(memory_is_read_as_docker_reads_it)
{
    const auto bytes = [](std::string_view text) { return read_memory(json::value(json::string(text))).value_or(-1); };
    BOOST_TEST(bytes("512MiB") == 512 * 1024 * 1024);
    BOOST_TEST(bytes("512m") == 512 * 1024 * 1024);
    BOOST_TEST(bytes("2g") == std::int64_t{2} << 30);
    BOOST_TEST(bytes("1.5 GB") == std::int64_t{3} << 29);
    BOOST_TEST(bytes("1024") == 1024);
    BOOST_TEST(bytes("7b") == 7);
    BOOST_TEST(read_memory(json::value(4096)).value_or(-1) == 4096);
    for (const char* wrong : {"", "m", "-1m", "1x", "1mm", "1e400", "0", "nan", "inf", "99999999t", "1 m 2"})
        BOOST_TEST(bytes(wrong) == -1, wrong);
    BOOST_TEST(!read_memory(json::value(-5)));
    BOOST_TEST(!read_memory(json::value(true)));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_named)
{
    BOOST_TEST(contains(refusal_of(R"({"image": "no such name"})"), "`image` is \"no such name\""));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "memory": "many"})"), "`memory` must be a size"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "cpus": 0})"), "`cpus` must be"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "volumes": ["/only"]})"), "`volumes` has \"/only\""));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "volumes": ["a:b"]})"), "`volumes` has \"a:b\""));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "env": {"A=B": "c"}})"), "`env` has \"A=B\""));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "stop_grace": "5"})"), "`stop_grace` must be a duration"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "request_timeout": "0s"})"), "`request_timeout`"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "container": {"Image": "y"}})"), "`container.Image`"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "container": {"Labels": 1}})"), "`container.Labels`"));
    BOOST_TEST(
        contains(refusal_of(R"({"image": "x", "host_config": {"AutoRemove": true}})"), "unless `remove` is false"));
    BOOST_TEST(contains(refusal_of(R"({"image": "x", "container": {"HostConfig": []}})"), "`container.HostConfig`"));
}

BOOST_AUTO_TEST_CASE(image_is_split_as_the_engine_wants_it)
{
    const auto split = [](std::string_view image) {
        const auto n = split_image(image);
        return n.repository + " " + n.tag;
    };
    BOOST_TEST(split("busybox") == "busybox latest");
    BOOST_TEST(split("busybox:1.36") == "busybox 1.36");
    BOOST_TEST(split("host:5000/a/b") == "host:5000/a/b latest");
    BOOST_TEST(split("host:5000/a/b:c") == "host:5000/a/b c");
    BOOST_TEST(split("a/b@sha256:ff") == "a/b sha256:ff");
    BOOST_TEST(split("host:1/a:t@sha256:ff") == "host:1/a sha256:ff");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(docker_address)

BOOST_FIXTURE_TEST_CASE(is_the_usual_socket_when_nothing_is_set, reading_an_address)
{
    const auto a = read();
    BOOST_TEST(a.base == "unix:/var/run/docker.sock:");
    BOOST_TEST(a.shown == "unix:/var/run/docker.sock");
    BOOST_TEST(a.options.ca_file.empty());
}

BOOST_FIXTURE_TEST_CASE(comes_from_the_environment_as_docker_reads_it, reading_an_address)
{
    variables = {{"DOCKER_HOST", "tcp://build:2375"}};
    BOOST_TEST(read().base == "http://build:2375");
    variables = {{"DOCKER_HOST", "tcp://build:2376"}, {"DOCKER_TLS_VERIFY", "1"}, {"HOME", "/home/me"}};
    auto a = read();
    BOOST_TEST(a.base == "https://build:2376");
    BOOST_TEST(a.options.ca_file == "/home/me/.docker/ca.pem");
    BOOST_TEST(a.options.verify_certificate);
    variables = {{"DOCKER_HOST", "tcp://build:2376"}, {"DOCKER_CERT_PATH", "/certs"}};
    a = read();
    BOOST_TEST(a.base == "https://build:2376");
    BOOST_TEST(a.options.key_file == "/certs/key.pem");
    BOOST_TEST(!a.options.verify_certificate);
    variables = {{"DOCKER_HOST", "unix:///run/d.sock"}, {"DOCKER_TLS_VERIFY", "1"}};
    a = read();
    BOOST_TEST(a.base == "unix:/run/d.sock:");
    BOOST_TEST(a.options.ca_file.empty());
}

BOOST_FIXTURE_TEST_CASE(comes_from_the_connection_first, reading_an_address)
{
    variables = {{"DOCKER_HOST", "tcp://build:2375"}};
    ctx.connections["docker"] = {{"type", "docker"}, {"url", "unix:/x.sock"}};
    BOOST_TEST(read().base == "unix:/x.sock:");
    ctx.connections["docker"] = {
        {"url", "tcp://h:1/"}, {"ca_file", "ca"}, {"certificate_file", "c"}, {"key_file", "k"}};
    const auto a = read();
    BOOST_TEST(a.base == "https://h:1");
    BOOST_TEST(a.options.certificate_file == "c");
    ctx.connections["docker"] = {{"url", "http://h:1"}};
    BOOST_TEST(read().base == "http://h:1");
}

BOOST_FIXTURE_TEST_CASE(that_is_none_is_refused_with_its_source, reading_an_address)
{
    for (const char* wrong : {"ssh://me@host", "build:2375", "unix://", "unix:relative", "", "npipe:////./pipe/x"}) {
        BOOST_CHECK_EXCEPTION((void)base_of(wrong, false, "DOCKER_HOST"), fatal,
                              [](const fatal& f) { return contains(f.what(), "(DOCKER_HOST) must be unix:///"); });
    }
    ctx.connections["docker"] = {{"ca_file", "ca"}};
    BOOST_CHECK_EXCEPTION(read(), fatal, [](const fatal& f) { return contains(f.what(), "needs a `url`"); });
    ctx.connections["docker"] = {{"url", "unix:/x"}, {"urll", "y"}};
    BOOST_CHECK_EXCEPTION(read(), fatal, [](const fatal& f) { return contains(f.what(), "`urll`"); });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(docker_container_end)

BOOST_AUTO_TEST_CASE(is_told_from_its_state)
{
    using state = job_result::state;
    BOOST_TEST(!end_of(R"({"Status": "running", "ExitCode": 0, "Error": ""})"));
    BOOST_TEST(!end_of(R"({"Status": "created", "ExitCode": 0, "Error": ""})"));
    BOOST_TEST(!end_of(R"({"Status": "removing", "ExitCode": 0})"));
    const auto good = end_of(R"({"Status": "exited", "ExitCode": 0, "OOMKilled": true, "Error": "", "StartedAt": "s",
                                 "FinishedAt": "f"})");
    BOOST_REQUIRE(good);
    BOOST_CHECK(good->ended == state::success);
    BOOST_TEST(good->output == parsed(R"({"id": "c1", "name": "token", "image": "bb:1", "state": "exited",
                                          "exit_code": 0, "started_at": "s", "finished_at": "f"})"));
    const auto bad = end_of(R"({"Status": "exited", "ExitCode": 7, "Error": ""})");
    BOOST_TEST(bad->code == "exit_7");
    BOOST_CHECK(bad->ended == state::failed);
    BOOST_TEST(end_of(R"({"Status": "exited", "ExitCode": 137, "OOMKilled": true})")->code == "oom_killed");
    BOOST_TEST(end_of(R"({"Status": "dead", "ExitCode": 0, "Error": "x"})")->code == "dead");
    const auto never = end_of(R"({"Status": "created", "ExitCode": 127, "Error": "no such file"})");
    BOOST_TEST(never->code == "cannot_start");
    BOOST_TEST(contains(never->error, "no such file"));
}

BOOST_AUTO_TEST_CASE(of_one_that_was_stopped_is_a_cancellation)
{
    using state = job_result::state;
    BOOST_CHECK(end_of(R"({"Status": "exited", "ExitCode": 0})", true, true)->ended == state::cancelled);
    BOOST_CHECK(end_of(R"({"Status": "exited", "ExitCode": 0})", true, false)->ended == state::success);
    BOOST_CHECK(end_of(R"({"Status": "created", "ExitCode": 0})", true, false)->ended == state::cancelled);
    BOOST_TEST(!end_of(R"({"Status": "running", "ExitCode": 0})", true, true));
}

BOOST_AUTO_TEST_CASE(that_nothing_is_said_of_has_not_come)
{
    BOOST_TEST(!end_of("null"));
    BOOST_TEST(!end_of_container(parsed("[]"), false, false));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(docker_pull)

BOOST_AUTO_TEST_CASE(progress_is_that_of_all_layers)
{
    std::vector<std::pair<double, std::string>> said;
    pull_report r([&](double fraction, const std::string& what) { said.emplace_back(fraction, what); });
    const std::string text = R"({"status": "Pulling from library/x", "id": "latest"}
{"status": "Downloading", "progressDetail": {"current": 1048576, "total": 3145728}, "id": "l1"}
{"status": "Downloading", "progressDetail": {"current": 0, "total": 1048576}, "id": "l2"}
this is no JSON
{"status": "Download complete", "progressDetail": {}, "id": "l1"}
{"status": "Pull complete", "progressDetail": {}, "id": "l2"}
)";
    for (const char c : text)
        r.put(std::string_view(&c, 1));
    BOOST_TEST_REQUIRE(said.size() == 4u);
    BOOST_TEST(said[1].first == 0.25);
    BOOST_TEST(said[1].second == "1.0 of 4.0 MiB");
    BOOST_TEST(said[2].first == 0.75);
    BOOST_TEST(said[3].first == 1.0);
    BOOST_TEST(r.error().empty());
}

BOOST_AUTO_TEST_CASE(error_among_the_steps_is_kept)
{
    pull_report r([](double, const std::string&) {});
    r.put("{\"errorDetail\":{\"message\":\"no space left\"},\"error\":\"no space left\"}\r\n");
    BOOST_TEST(r.error() == "no space left");
}

BOOST_AUTO_TEST_SUITE_END()
