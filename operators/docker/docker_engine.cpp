#include "docker_engine.hpp"

#include <potoo/error.hpp>
#include <potoo/json_members.hpp>

#include <fmt/format.h>

#include <utility>

namespace potoo::docker {
namespace {

constexpr std::string_view usual_socket = "unix:///var/run/docker.sock";
/// A listing of the containers of a large machine.
constexpr std::size_t largest_answer = std::size_t{256} << 20;

std::string value_of(const environment& variable, const char* name)
{
    const char* v = variable(name);
    return v ? v : "";
}

std::string without_slashes(std::string text)
{
    while (text.ends_with('/'))
        text.pop_back();
    return text;
}

engine_address from_connection(connection_reader& c, std::string url)
{
    engine_address a;
    a.source = "the connection's `url`";
    a.options.ca_file = c.text("ca_file").value_or("");
    a.options.certificate_file = c.text("certificate_file").value_or("");
    a.options.key_file = c.text("key_file").value_or("");
    const bool secure = !a.options.ca_file.empty() || !a.options.certificate_file.empty();
    a.base = base_of(url, secure, a.source);
    return a;
}

engine_address from_environment(const environment& variable)
{
    engine_address a;
    const std::string host = value_of(variable, "DOCKER_HOST");
    a.source = host.empty() ? "nothing else is set" : "DOCKER_HOST";
    const bool verify = !value_of(variable, "DOCKER_TLS_VERIFY").empty();
    std::string certificates = value_of(variable, "DOCKER_CERT_PATH");
    const bool secure = verify || !certificates.empty();
    a.base = base_of(host.empty() ? usual_socket : host, secure, a.source);
    if (!secure || !a.base.starts_with("https://"))
        return a;
    if (certificates.empty())
        certificates = value_of(variable, "HOME") + "/.docker";
    a.options.verify_certificate = verify;
    a.options.ca_file = certificates + "/ca.pem";
    a.options.certificate_file = certificates + "/cert.pem";
    a.options.key_file = certificates + "/key.pem";
    return a;
}

} // namespace

std::string base_of(std::string_view address, bool secure, std::string_view source)
{
    const auto after = [&](std::string_view scheme) { return address.substr(scheme.size()); };
    if (address.starts_with("unix://"))
        address = after("unix://");
    else if (address.starts_with("unix:"))
        address = after("unix:");
    else if (address.starts_with("http://") || address.starts_with("https://"))
        return without_slashes(std::string(address));
    else if (address.starts_with("tcp://"))
        return without_slashes(fmt::format("{}{}", secure ? "https://" : "http://", after("tcp://")));
    else
        address = {};
    if (!address.starts_with('/'))
        throw fatal(fmt::format("the address of the Docker engine ({}) must be unix:///path/to.sock, tcp://host:port, "
                                "http://host:port or https://host:port; for ssh:// forward the socket: ssh -nNT -L "
                                "/tmp/docker.sock:/var/run/docker.sock HOST",
                                source),
                    "bad_url");
    return fmt::format("unix:{}:", address);
}

engine_address read_address(connection_reader& c, const environment& variable)
{
    auto url = c.text("url");
    engine_address a = url ? from_connection(c, *url) : from_environment(variable);
    if (!url) {
        for (const char* setting : {"ca_file", "certificate_file", "key_file"}) {
            if (c.text(setting))
                throw fatal(fmt::format("the connection's `{}` needs a `url` beside it", setting));
        }
    }
    a.shown = a.base.starts_with("unix:") ? a.base.substr(0, a.base.size() - 1) : a.base;
    return a;
}

std::string engine_answer::message() const
{
    if (!got)
        return {};
    boost::system::error_code ec;
    const json::value v = json::parse(got->body, ec);
    return ec ? std::string() : text_in(v, "message");
}

bool engine_answer::refused() const
{
    const unsigned s = status();
    return (s == 400 || s == 404 || s == 409 || s == 500) && !message().empty();
}

json::value engine_answer::body() const
{
    boost::system::error_code ec;
    json::value v = json::parse(got->body, ec);
    if (ec)
        throw failure(fmt::format("cannot {}: the answer of {} is no JSON", purpose, whereby), "malformed_response");
    return v;
}

http_failure engine_answer::explained(http_failure f) const
{
    const std::string said = message();
    if (!got)
        f.message = fmt::format("cannot {}: no answer from the Docker engine at {}: {}", purpose, whereby, f.message);
    else if (status() == 401 || status() == 403)
        f = {failure_class::fatal, status() == 401 ? "unauthorized" : "forbidden",
             fmt::format("cannot {}: the Docker engine at {} does not allow it ({}){}{}", purpose, whereby, status(),
                         said.empty() ? "" : ": ", said)};
    else if (!said.empty())
        f.message = fmt::format("cannot {}: the Docker engine says: {} ({})", purpose, said, status());
    else
        f.message = fmt::format("cannot {}: {}", purpose, f.message);
    return f;
}

http_failure engine_answer::trouble() const
{
    return explained(got ? failure_of_status(method, url, *got)
                         : failure_of_exchange(method, url, got.error(), detail));
}

http_failure engine_answer::launch_trouble() const
{
    return explained(got ? launch_failure_of_status(method, url, *got)
                         : launch_failure_of_exchange(method, url, got.error(), detail));
}

/// An engine may be too new, or too old, for the version that was asked for, and says which it takes.
bool engine_client::adopt_version(const engine_answer& a, std::string_view asked)
{
    if (a.status() != 400)
        return false;
    const std::string said = a.message();
    for (const std::string_view before : {"inimum supported API version is ", "aximum supported API version is "}) {
        const auto at = said.find(before);
        if (at == std::string::npos)
            continue;
        const auto from = at + before.size();
        std::string version = said.substr(from, said.find_first_not_of("0123456789.", from) - from);
        while (version.ends_with('.'))
            version.pop_back();
        if (version.empty())
            return false;
        version_ = std::move(version);
        // Another request may have found it out meanwhile.
        return version_ != asked;
    }
    return false;
}

task<engine_answer> engine_client::send(http_client& http, potoo::loop& l, engine_request r)
{
    http_client& client = http.with(where_.options);
    const std::string& certificate = where_.options.certificate_file;
    const std::string whereby =
        fmt::format("{} (address: {}{})", where_.shown, where_.source,
                    certificate.empty() ? std::string() : fmt::format("; certificate: {}", certificate));
    const std::string body = r.body.is_null() ? std::string() : json::serialize(r.body);
    for (bool again = true;; again = false) {
        const std::string version = version_;
        http_request asked;
        asked.method = r.method;
        asked.url = fmt::format("{}/v{}{}", where_.base, version, r.target);
        if (!body.empty())
            asked.headers.push_back({"Content-Type", "application/json"});
        asked.body = body;
        const bool endless = r.timeout == duration::max();
        asked.deadline = endless ? steady_time::max() : l.now() + r.timeout;
        asked.max_body = largest_answer;
        asked.body_sink = r.sink;
        std::string url = asked.url;
        auto got = co_await client.send(std::move(asked));
        engine_answer a{r.purpose, r.method, std::move(url), std::move(got), {}, whereby};
        if (!a.got)
            a.detail = client.last_error_detail();
        if (!again || !adopt_version(a, version))
            co_return a;
    }
}

} // namespace potoo::docker
