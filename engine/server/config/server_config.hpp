#pragma once
/// @file
/// `potoo.yaml`: how a server is run. What is given on the command line counts before it.

#include "engine/host/state_config.hpp"
#include "engine/server/tasks/task_rules.hpp"
#include "engine/web/http_server.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

enum class log_format
{
    text,
    json,
};

struct server_config
{
    std::filesystem::path dags = "dags";
    std::filesystem::path state = ".potoo";
    web::server_options web;          ///< `listen`, `tls`, `trusted_proxies`, `connections`
    bool behind_proxy = false;        ///< something before it speaks TLS
    std::vector<std::string> hosts;   ///< names under which clients reach it, besides those of `listen`
    std::vector<std::string> origins; ///< of web pages that may ask, as browsers write them
    std::string public_url;           ///< under which others reach it, for callbacks; without a slash at its end
    std::string statsd;               ///< `host:port`; empty = nobody
    log_format log = log_format::text;
    bool verbose = false; ///< log every request
    std::vector<std::string> plugins;
    task_rules tasks; ///< `keep_tasks`, `keep_tasks_for`, `users_may_submit`
    host::state_config engine;
};

/// Paths in it are relative to the file's directory. @throws host::config_error
[[nodiscard]] server_config parse_server_config(const std::string& text, const std::filesystem::path& file);

/// @throws host::config_error also when there is no such file
[[nodiscard]] server_config read_server_config(const std::filesystem::path& file);

/// Its JSON Schema, for editors.
[[nodiscard]] std::string_view server_config_schema() noexcept;

/// The address is one that only this machine reaches.
[[nodiscard]] bool is_loopback(std::string_view listen);

/// Where a server that listens there is reached as far as it can know; empty when that is every address it has, or one
/// that it does not answer for (`hosts`).
/// @param address as in `listen`, with the real port
[[nodiscard]] std::string own_url(const server_config& c, std::string_view address);

/// What keeps a server from starting like this on this machine, as far as it can be seen without starting one: an
/// address that is none, files that are not there. Empty when nothing does.
[[nodiscard]] std::vector<std::string> problems_here(const server_config& c);

/// What forbids to serve like this, with what to do about it; empty when nothing does.
/// @param has_tokens somebody may be told apart
[[nodiscard]] std::string refusal(const server_config& c, bool has_tokens);

} // namespace potoo::server
