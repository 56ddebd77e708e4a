#include "docker_backend.hpp"

#include <potoo/operator.hpp>

#include <memory>
#include <utility>

namespace potoo::docker {
namespace {

task<json::value> run_container(context& ctx)
{
    auto b = std::make_unique<container_backend>(ctx);
    // Once the container may be there, its image was.
    if (!ctx.recorded("launch_intent") && !ctx.recorded("launch_recorded"))
        co_await b->prepare(ctx);
    auto output = co_await run_remote_job(ctx, std::move(b));
    co_return output;
}

} // namespace
} // namespace potoo::docker

POTOO_OPERATOR("docker", potoo::docker::run_container,
               {.summary = "Runs a command in a container on a Docker engine, keeps its log, and removes it.",
                .schema = R"({
      "type": "object", "additionalProperties": false, "required": ["image"],
      "properties": {
        "image": {"type": "string", "minLength": 1, "description": "As for docker run: busybox:1.36, registry.example/team/tool@sha256:…"},
        "command": {"type": ["string", "array"], "items": {"type": ["string", "number", "boolean"]}, "description": "Text is a command line for /bin/sh -c of the image; a list is executed as it is. Default: the image's own."},
        "entrypoint": {"type": ["string", "array"], "items": {"type": ["string", "number", "boolean"]}, "description": "Instead of the image's own"},
        "env": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Environment variables, laid over the task's env"},
        "volumes": {"type": "array", "items": {"type": "string"}, "description": "/path/on/the/host:/path/in/the/container or volume:/path, with :ro behind it for what is only read"},
        "network": {"type": "string", "minLength": 1, "description": "none, host, bridge, container:NAME, or a network's name. Default: the engine's."},
        "cpus": {"type": "number", "description": "How many processors it may use, such as 0.5"},
        "memory": {"type": ["string", "integer"], "description": "The most memory it may use: 512MiB, 2g, or bytes. Units are powers of 1024."},
        "pull": {"enum": ["missing", "always", "never"], "description": "When the image is pulled. Default missing: when the engine does not have it."},
        "working_dir": {"type": "string", "minLength": 1, "description": "Where the command runs in the container"},
        "user": {"type": "string", "minLength": 1, "description": "Name or id, perhaps :group"},
        "labels": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "description": "Labels of the container, besides potoo.token, potoo.run and potoo.task"},
        "host_config": {"type": "object", "description": "Any field of the Engine API's HostConfig, such as {ShmSize: 1073741824, Init: true}; prevails over the short forms"},
        "container": {"type": "object", "description": "Any other field of the Engine API's request to create a container, such as {Hostname: worker, Tty: true}; prevails over the short forms"},
        "remove": {"type": "boolean", "description": "Remove the container once its end is recorded and its log kept. Default true."},
        "stop_grace": {"type": "string", "description": "How long a container that is told to stop (by its stop signal, usually SIGTERM) has before it is killed. Default 10s."},
        "request_timeout": {"type": "string", "description": "For one exchange with the engine. Default 1m."},
        "connection": {"type": "string", "minLength": 1, "description": "Name of the connection (type docker) to the engine; without it, the one called docker, if there is one. Its settings, all optional: url (unix:///path, tcp://host:port, https://host:port; default DOCKER_HOST, else unix:///var/run/docker.sock), ca_file, certificate_file, key_file, concurrency, per_second, poll_concurrency, polls_per_second."}
      }})",
                .example = R"(align:
  operator: docker
  with:
    image: busybox:1.36
    command: wc -l < /in/reads.txt
    volumes: ["/data:/in:ro"]
    env: {LANG: C}
    network: none
    cpus: 2
    memory: 512MiB
    pull: missing
)"})
