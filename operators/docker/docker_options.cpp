#include "docker_options.hpp"

#include <potoo/error.hpp>
#include <potoo/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace potoo::docker {
namespace {

constexpr double nano = 1e9;

/// A list of words is what the container executes; text is a command line for its shell.
json::array command_of(const json::value& v)
{
    if (v.is_string())
        return {"/bin/sh", "-c", v.get_string()};
    json::array words;
    for (const json::value& word : v.as_array())
        words.emplace_back(text_of(word));
    return words;
}

json::array entrypoint_of(const json::value& v)
{
    return v.is_string() ? json::array{v.get_string()} : command_of(v);
}

bool is_variable(std::string_view name)
{
    return !name.empty() && name.find('=') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

json::array variables_of(const json::object& env)
{
    json::array variables;
    for (const auto& [name, value] : env) {
        if (!is_variable(name))
            throw fatal(fmt::format("`env` has \"{}\", which is no name of a variable", std::string_view(name)));
        variables.emplace_back(fmt::format("{}={}", std::string_view(name), text_of(value)));
    }
    return variables;
}

json::array binds_of(const json::array& volumes)
{
    json::array binds;
    for (const json::value& v : volumes) {
        const std::string_view text = v.as_string();
        const auto colon = text.find(':');
        if (colon == 0 || colon == std::string_view::npos || text.substr(colon + 1, 1) != "/")
            throw fatal(
                fmt::format("`volumes` has \"{}\": expected \"/path/on/the/host:/path/in/the/container\" or "
                            "\"volume:/path/in/the/container\", with \":ro\" behind it if it is not to be written",
                            text));
        binds.emplace_back(text);
    }
    return binds;
}

std::int64_t nano_cpus_of(const json::value& v)
{
    const double cpus = v.to_number<double>();
    if (!(cpus >= 0.001 && cpus <= 1e6))
        throw fatal(fmt::format("`cpus` must be a number of processors such as 0.5 or 2, not {}", json::serialize(v)));
    return std::llround(cpus * nano);
}

/// `extra` prevails; objects in both are joined.
void merge(json::object& into, const json::object& extra)
{
    for (const auto& [name, value] : extra) {
        json::value* there = into.if_contains(name);
        if (there && there->is_object() && value.is_object())
            merge(there->get_object(), value.get_object());
        else
            into[name] = value;
    }
}

/// A property that is the engine's under another name.
void copy(const json::object& with, std::string_view name, json::object& to, std::string_view field)
{
    if (const json::value* v = with.if_contains(name))
        to[field] = *v;
}

json::object host_config_of(const json::object& with)
{
    json::object host;
    if (const json::value* v = with.if_contains("volumes"))
        host["Binds"] = binds_of(v->as_array());
    copy(with, "network", host, "NetworkMode");
    if (const json::value* v = with.if_contains("cpus"))
        host["NanoCpus"] = nano_cpus_of(*v);
    if (const json::value* v = with.if_contains("memory")) {
        const auto bytes = read_memory(*v);
        if (!bytes)
            throw fatal(fmt::format("`memory` must be a size such as 512MiB or 2g, or a number of bytes, not {}",
                                    json::serialize(*v)));
        host["Memory"] = *bytes;
    }
    if (const json::value* v = with.if_contains("host_config"))
        merge(host, v->as_object());
    return host;
}

/// What its fields as the engine knows them may not say.
void check(json::object& body)
{
    if (body.contains("Image"))
        throw fatal("the image stands in `image`, not in `container.Image`");
    for (const char* map : {"Labels", "HostConfig"}) {
        if (!body[map].is_object())
            throw fatal(fmt::format("`container.{}` must be a map, not {}", map, json::serialize(body[map])));
    }
    const json::value* removed = body["HostConfig"].get_object().if_contains("AutoRemove");
    if (removed && *removed == json::value(true))
        throw fatal(
            "a container with `AutoRemove` is gone before anybody can ask how it ended: leave it out, and it is "
            "removed after that, unless `remove` is false");
}

json::object body_of(const json::object& with)
{
    json::object body;
    if (const json::value* v = with.if_contains("command"))
        body["Cmd"] = command_of(*v);
    if (const json::value* v = with.if_contains("entrypoint"))
        body["Entrypoint"] = entrypoint_of(*v);
    copy(with, "working_dir", body, "WorkingDir");
    copy(with, "user", body, "User");
    json::object labels;
    if (const json::value* v = with.if_contains("labels")) {
        for (const auto& [name, value] : v->as_object())
            labels[name] = text_of(value);
    }
    body["Labels"] = std::move(labels);
    body["HostConfig"] = host_config_of(with);
    if (const json::value* v = with.if_contains("env"))
        body["Env"] = variables_of(v->as_object());
    if (const json::value* more = with.if_contains("container"))
        merge(body, more->as_object());
    check(body);
    return body;
}

bool is_image(std::string_view image)
{
    constexpr std::string_view others = "._-/:@";
    return !image.empty() && std::all_of(image.begin(), image.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

double unit_of(std::string_view unit)
{
    constexpr std::string_view prefixes = "kmgt";
    if (unit.empty() || unit == "b")
        return 1;
    const auto power = prefixes.find(unit.front());
    const std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib"))
        return 0;
    return std::pow(1024.0, static_cast<double>(power + 1));
}

} // namespace

std::optional<std::int64_t> read_memory(const json::value& v)
{
    constexpr double most = 1e18;
    double bytes = 0;
    if (v.is_number()) {
        bytes = v.to_number<double>();
    } else if (const auto* given = v.if_string()) {
        std::string text(*given);
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        double number = 0;
        const auto [end, ec] =
            std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
        if (ec != std::errc())
            return std::nullopt;
        std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
        while (unit.starts_with(' '))
            unit.remove_prefix(1);
        bytes = number * unit_of(unit);
    }
    if (!(bytes >= 1 && bytes <= most))
        return std::nullopt;
    return std::llround(bytes);
}

image_name split_image(std::string_view image)
{
    if (const auto at = image.find('@'); at != std::string_view::npos) {
        image_name n{std::string(image.substr(0, at)), std::string(image.substr(at + 1))};
        // A tag beside a digest says nothing more.
        n.repository = split_image(n.repository).repository;
        return n;
    }
    const auto slash = image.rfind('/');
    const auto colon = image.rfind(':');
    if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash))
        return {std::string(image), "latest"};
    return {std::string(image.substr(0, colon)), std::string(image.substr(colon + 1))};
}

container_options read_options(const json::object& with)
{
    container_options o;
    o.image = std::string(with.at("image").as_string());
    if (!is_image(o.image))
        throw fatal(fmt::format("`image` is \"{}\", which is no name of an image such as busybox:1.36 or "
                                "registry.example/team/tool@sha256:…",
                                o.image),
                    "bad_image");
    if (const json::value* v = with.if_contains("pull"))
        o.pull = *v == "always" ? pull_policy::always : *v == "never" ? pull_policy::never : pull_policy::missing;
    if (const json::value* v = with.if_contains("remove"))
        o.remove = v->as_bool();
    o.stop_grace = duration_option(with, "stop_grace").value_or(o.stop_grace);
    o.request_timeout = time_option(with, "request_timeout", o.request_timeout);
    o.body = body_of(with);
    return o;
}

json::object container_options::body_for(const context& ctx,
                                         std::span<const std::pair<std::string, std::string>> environment) const
{
    json::object b = body;
    b["Image"] = image;
    json::object& labels = b["Labels"].as_object();
    labels[token_label] = ctx.token().value();
    labels["potoo.run"] = ctx.run().value();
    labels["potoo.task"] = ctx.task_name();
    json::array variables;
    for (const auto& [name, value] : environment)
        variables.emplace_back(fmt::format("{}={}", name, value));
    if (const json::value* own = body.if_contains("Env"); own && own->is_array())
        variables.insert(variables.end(), own->get_array().begin(), own->get_array().end());
    b["Env"] = std::move(variables);
    return b;
}

} // namespace potoo::docker
