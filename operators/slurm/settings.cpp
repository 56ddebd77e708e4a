#include "rest_service.hpp"

#include <potoo/connection.hpp>
#include <potoo/http_failure.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace potoo::slurm {
namespace {

constexpr std::size_t largest_array = 4'000'001; ///< Slurm's own limit

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string local_user()
{
    for (const char* name : {"USER", "LOGNAME"}) {
        if (std::string user = variable(name); !user.empty())
            return user;
    }
    throw fatal("it is not said on whose behalf Slurm is to run jobs: give the connection a `user`, or set USER",
                "no_connection");
}

std::string read_url(connection_reader& c)
{
    std::string url = c.text("url").value_or("");
    for (const char* name : {"SLURM_RESTD_URL", "SLURMRESTD"}) {
        if (url.empty())
            url = variable(name);
    }
    if (url.empty())
        throw fatal("it is not said where slurmrestd is: give a connection of type slurm with a `url`, or set "
                    "SLURM_RESTD_URL",
                    "no_connection");
    if (url.starts_with("unix:")) {
        if (!url.ends_with(':'))
            url += ':';
        return url;
    }
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        throw fatal(fmt::format("the connection's `url` must begin with http://, https:// or unix:/, not {}",
                                without_query(url)));
    while (url.ends_with('/'))
        url.pop_back();
    return url;
}

std::vector<std::string> read_command(const json::value& v)
{
    if (v.is_string())
        return {"/bin/sh", "-c", std::string(v.get_string())};
    std::vector<std::string> command;
    if (const auto* list = v.if_array()) {
        for (const json::value& word : *list) {
            if (word.is_string())
                command.emplace_back(word.get_string());
        }
        if (!command.empty() && command.size() == list->size())
            return command;
    }
    throw fatal("the connection's `token_command` must be a command line, or a list of a program and its arguments");
}

token_source read_token(connection_reader& c)
{
    token_source s{token_source::kind::variable, "SLURM_JWT", {}};
    int given = 0;
    if (auto token = c.text("token")) {
        s = {token_source::kind::literal, std::move(*token), {}};
        ++given;
    }
    if (auto file = c.text("token_file")) {
        s = {token_source::kind::file, std::move(*file), {}};
        ++given;
    }
    if (const json::value* command = c.value("token_command")) {
        s = {token_source::kind::command, {}, read_command(*command)};
        ++given;
    }
    if (given > 1)
        throw fatal("the connection gives more than one of `token`, `token_file` and `token_command`");
    if (given == 0 && variable("SLURM_JWT").empty())
        throw fatal("there is no token for Slurm: give the connection a `token`, `token_file` or `token_command` (such "
                    "as `scontrol token`), or set SLURM_JWT",
                    "no_credentials");
    return s;
}

http_options read_tls(connection_reader& c)
{
    http_options o;
    o.ca_file = c.text("ca_file").value_or("");
    o.certificate_file = c.text("certificate_file").value_or("");
    o.key_file = c.text("key_file").value_or("");
    o.verify_certificate = c.flag("verify_certificate").value_or(true);
    return o;
}

bool is_word(std::string_view s)
{
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 127; });
}

} // namespace

settings settings::read(context& ctx)
{
    connection_reader c(ctx, "slurm");
    settings s;
    s.url = read_url(c);
    s.api_version = c.text("api_version").value_or("v0.0.38");
    if (!is_word(s.api_version) || !s.api_version.starts_with("v0.0."))
        throw fatal(fmt::format("the connection's `api_version` must be like v0.0.38, not {}", s.api_version));
    s.user = c.text("user").value_or("");
    s.token = read_token(c);
    if (s.user.empty())
        s.user = local_user();
    if (!is_word(s.user))
        throw fatal("the connection's `user` must be the name of a user, in one word");
    s.tls = read_tls(c);
    s.max_array = c.count("max_array", largest_array).value_or(s.max_array);
    c.read_limits(s.requests, s.polls);
    if (s.polls.concurrency != 1)
        throw fatal("the connection's `poll_concurrency` can only be 1: one list answers for all jobs");
    c.finish();
    return s;
}

std::string settings::key() const
{
    const std::size_t secret = token.from == token_source::kind::literal ? std::hash<std::string>{}(token.text) : 0;
    std::string text = fmt::format("slurm {} {} {} {} {:x}", url, api_version, user, token.description(), secret);
    for (const std::string& word : token.command)
        text += fmt::format(" {}", std::hash<std::string>{}(word));
    return text + fmt::format(" {} {} {} {} {} {} {} {}", tls.ca_file, tls.certificate_file, tls.key_file,
                              tls.verify_certificate, requests.concurrency, requests.per_second, polls.per_second,
                              max_array);
}

} // namespace potoo::slurm
