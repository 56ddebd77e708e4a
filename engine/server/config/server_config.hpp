#pragma once
/// @file
/// `potoo.yaml`: how a server is run. What is given on the command line counts before it.

#include "engine/host/state_config.hpp"
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
    web::server_options web;        ///< `listen`, `tls`, `trusted_proxies`
    bool behind_proxy = false;      ///< something before it speaks TLS
    std::vector<std::string> hosts; ///< names under which clients reach it, besides those of `listen`
    std::string public_url;         ///< under which others reach it, for callbacks; without a slash at its end
    std::string statsd;             ///< `host:port`; empty = nobody
    log_format log = log_format::text;
    bool verbose = false; ///< log every request
    std::vector<std::string> plugins;
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

/// What forbids to serve like this, with what to do about it; empty when nothing does.
/// @param has_tokens somebody may be told apart
[[nodiscard]] std::string refusal(const server_config& c, bool has_tokens);

} // namespace potoo::server
