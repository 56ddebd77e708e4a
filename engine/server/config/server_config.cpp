#include "engine/server/config/server_config.hpp"

#include "engine/web/listen_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace potoo::server {
namespace {

constexpr std::array<std::string_view, 17> own_keys{"dags",
                                                    "state",
                                                    "listen",
                                                    "tls",
                                                    "behind_proxy",
                                                    "trusted_proxies",
                                                    "hosts",
                                                    "origins",
                                                    "public_url",
                                                    "log",
                                                    "statsd",
                                                    "plugins",
                                                    "max_connections",
                                                    "max_connections_of_one_peer",
                                                    "keep_tasks",
                                                    "keep_tasks_for",
                                                    "users_may_submit"};
constexpr std::array<std::string_view, 2> tls_keys{"certificate", "key"};
constexpr std::array<std::string_view, 2> log_keys{"format", "requests"};

constexpr std::array<graph::synonym, 8> own_synonyms{{
    {"dags_folder", "dags"},
    {"dag_folder", "dags"},
    {"port", "listen"},
    {"bind", "listen"},
    {"ssl", "tls"},
    {"base_url", "public_url"},
    {"connections_of_one_peer", "max_connections_of_one_peer"},
    {"connection_limit", "max_connections"},
}};
constexpr std::array<graph::synonym, 4> tls_synonyms{{
    {"cert", "certificate"},
    {"certificate_file", "certificate"},
    {"key_file", "key"},
    {"private_key", "key"},
}};

std::vector<std::string_view> known_keys()
{
    std::vector<std::string_view> all(own_keys.begin(), own_keys.end());
    all.insert(all.end(), host::engine_keys.begin(), host::engine_keys.end());
    return all;
}

std::vector<graph::synonym> known_synonyms()
{
    std::vector<graph::synonym> all(own_synonyms.begin(), own_synonyms.end());
    all.insert(all.end(), host::engine_key_synonyms.begin(), host::engine_key_synonyms.end());
    return all;
}

/// As browsers write it in `Origin`: without a path, not even a slash.
bool is_origin(std::string_view text)
{
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos || (text.substr(0, scheme) != "http" && text.substr(0, scheme) != "https"))
        return false;
    const std::string_view host = text.substr(scheme + 3);
    return !host.empty() && host.find_first_of("/?#@* ") == std::string_view::npos;
}

/// Reads into a `server_config`, key by key.
class reader
{
  public:
    reader(const host::config_document& d, std::filesystem::path directory, server_config& out)
        : document_(d), root_(d.root), fields_(d.fields), directory_(std::move(directory)), out_(out)
    {}

    void read()
    {
        const auto keys = known_keys();
        const auto synonyms = known_synonyms();
        fields_.check_keys(root_, "the configuration", keys, synonyms);
        read_path(root_, "dags", out_.dags);
        read_path(root_, "state", out_.state);
        read_text("listen", out_.web.listen);
        read_flag(root_, "behind_proxy", out_.behind_proxy);
        read_list("trusted_proxies", out_.web.trusted_proxies);
        read_list("hosts", out_.hosts);
        read_origins();
        read_count("max_connections", 1, out_.web.limits.connections);
        read_count("max_connections_of_one_peer", 0, out_.web.limits.connections_of_one_peer);
        read_public_url();
        read_text("statsd", out_.statsd);
        read_tls();
        read_log();
        read_plugins();
        read_tasks();
        host::read_engine_keys(document_, directory_, out_.engine);
    }

  private:
    [[nodiscard]] std::filesystem::path placed(const std::string& path) const
    {
        return (directory_ / path).lexically_normal();
    }

    void read_path(graph::node_view map, const char* key, std::filesystem::path& to)
    {
        const auto n = map.find(key);
        if (!n)
            return;
        if (const auto text = fields_.text(key, *n))
            to = placed(*text);
    }

    void read_text(const char* key, std::string& to)
    {
        const auto n = root_.find(key);
        if (!n)
            return;
        if (auto text = fields_.text(key, *n))
            to = std::move(*text);
    }

    void read_flag(graph::node_view map, const char* key, bool& to)
    {
        const auto n = map.find(key);
        if (!n)
            return;
        if (const auto flag = fields_.boolean(key, *n))
            to = *flag;
    }

    void read_list(const char* key, std::vector<std::string>& to)
    {
        const auto n = root_.find(key);
        if (!n)
            return;
        if (auto texts = fields_.texts(key, *n))
            to = std::move(*texts);
    }

    void read_count(const char* key, std::int64_t least, std::size_t& to)
    {
        const auto n = root_.find(key);
        if (!n)
            return;
        if (const auto count = fields_.whole(key, *n, least, std::numeric_limits<std::uint32_t>::max()))
            to = static_cast<std::size_t>(*count);
    }

    void read_origins()
    {
        read_list("origins", out_.origins);
        for (const std::string& origin : out_.origins)
            if (!is_origin(origin))
                fields_.problem(root_.find("origins")->where(),
                                fmt::format("`origins` has `{}`, which is not a scheme and a host as in "
                                            "https://app.example.org or http://localhost:3000",
                                            origin));
    }

    void read_public_url()
    {
        const auto n = root_.find("public_url");
        read_text("public_url", out_.public_url);
        while (out_.public_url.ends_with('/'))
            out_.public_url.pop_back();
        const bool is_url = out_.public_url.starts_with("http://") || out_.public_url.starts_with("https://");
        if (n && n->is_string() && !is_url)
            fields_.problem(n->where(), "`public_url` must begin with http:// or https://",
                            "https://" + out_.public_url);
    }

    void read_tls()
    {
        const auto n = root_.find("tls");
        if (!n || !fields_.is_map("tls", *n, "tls: {certificate: server.pem, key: server.key}"))
            return;
        fields_.check_keys(*n, "`tls`", tls_keys, tls_synonyms);
        std::filesystem::path certificate;
        std::filesystem::path key;
        read_path(*n, "certificate", certificate);
        read_path(*n, "key", key);
        if (certificate.empty() != key.empty())
            fields_.problem(n->where(), "`tls` needs both `certificate` and `key`");
        out_.web.certificate_file = certificate.string();
        out_.web.key_file = key.string();
    }

    void read_log()
    {
        const auto n = root_.find("log");
        if (!n || !fields_.is_map("log", *n, "log: {format: json}"))
            return;
        fields_.check_keys(*n, "`log`", log_keys);
        read_flag(*n, "requests", out_.verbose);
        const auto format = n->find("format");
        if (!format)
            return;
        const auto text = fields_.text("format", *format);
        if (text && *text != "text" && *text != "json")
            fields_.problem(format->where(), fmt::format("`format` must be text or json, not `{}`", *text));
        out_.log = text == "json" ? log_format::json : log_format::text;
    }

    void read_tasks()
    {
        read_count("keep_tasks", 0, out_.tasks.keep.count);
        if (const auto n = root_.find("keep_tasks_for"))
            out_.tasks.keep.age = fields_.time_span("keep_tasks_for", *n, duration(0)).value_or(duration(0));
        if (const auto n = root_.find("users_may_submit"))
            out_.tasks.users_may_submit = fields_.texts("users_may_submit", *n);
    }

    void read_plugins()
    {
        read_list("plugins", out_.plugins);
        for (std::string& file : out_.plugins)
            file = placed(file).string();
    }

    const host::config_document& document_;
    graph::node_view root_;
    graph::field_reader& fields_;
    std::filesystem::path directory_;
    server_config& out_;
};

/// `address` of `address:port` and `[address]:port`.
std::string_view address_of(std::string_view listen)
{
    if (listen.starts_with('['))
        return listen.substr(1, listen.find(']') - 1);
    return listen.substr(0, listen.rfind(':'));
}

} // namespace

server_config parse_server_config(const std::string& text, const std::filesystem::path& file)
{
    server_config out;
    host::parse_config(text, file.string(), [&](const host::config_document& d) {
        if (d.fields.is_map(file.filename().string(), d.root, "listen: 127.0.0.1:8080"))
            reader(d, file.parent_path(), out).read();
    });
    return out;
}

server_config read_server_config(const std::filesystem::path& file)
{
    const auto text = host::read_config_text(file);
    if (!text)
        throw host::config_error(fmt::format("{}: error: there is no such file\n", file.string()));
    return parse_server_config(*text, file);
}

bool is_loopback(std::string_view listen)
{
    const std::string_view address = address_of(listen);
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::string own_url(const server_config& c, std::string_view address)
{
    boost::system::error_code ec;
    const auto ip = boost::asio::ip::make_address(std::string(address_of(address)), ec);
    const bool every = !ec && ip.is_unspecified();
    const std::string_view host = address.substr(0, address.rfind(':'));
    const bool answered = c.hosts.empty() || (is_loopback(address) && !c.behind_proxy) ||
                          std::any_of(c.hosts.begin(), c.hosts.end(),
                                      [&](const std::string& known) { return known == host || known == address; });
    if (every || !answered)
        return {};
    return fmt::format("{}://{}", c.web.certificate_file.empty() ? "http" : "https", address);
}

std::vector<std::string> problems_here(const server_config& c)
{
    std::vector<std::string> found;
    try {
        static_cast<void>(web::parse_listen_address(c.web.listen));
    } catch (const std::runtime_error& e) {
        found.emplace_back(e.what());
        return found;
    }
    std::error_code ec;
    const auto need = [&](std::string_view what, const std::filesystem::path& file) {
        if (!file.empty() && !std::filesystem::exists(file, ec))
            found.push_back(fmt::format("there is no {} {}", what, file.string()));
    };
    need("certificate", c.web.certificate_file);
    need("key", c.web.key_file);
    for (const std::string& plugin : c.plugins)
        need("plugin", plugin);
    for (const graph::secret_source& s : c.engine.outside.secrets)
        if (s.from == graph::secret_source::kind::file)
            need(fmt::format("file for the secret `{}`:", s.name), s.argument.front());
    if (!std::filesystem::is_directory(c.dags, ec))
        found.push_back(fmt::format("there is no folder {} with DAG files: make it, or name another with --dags (in "
                                    "the configuration `dags`)",
                                    c.dags.string()));
    // Whether there are tokens is known once the state is open.
    if (std::string why = refusal(c, true); !why.empty())
        found.push_back(std::move(why));
    return found;
}

std::string refusal(const server_config& c, bool has_tokens)
{
    if (is_loopback(c.web.listen) && !c.behind_proxy)
        return {};
    if (!c.behind_proxy && c.web.certificate_file.empty())
        return fmt::format("{} can be reached from other machines: give `tls` a certificate and a key, or say "
                           "--behind-proxy when something before it speaks TLS",
                           c.web.listen);
    if (!has_tokens)
        return fmt::format("{} can be reached by others, and there is no token yet: make one with `potoo token create "
                           "--role admin --state {}`",
                           c.web.listen, c.state.string());
    return {};
}

} // namespace potoo::server
