#include "engine/cli/remote/server_error.hpp"

#include "engine/cli/display/text_width.hpp"

#include <potoo/http.hpp>
#include <potoo/json.hpp>

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace potoo::cli {

namespace {

constexpr std::size_t longest_detail = 2'000;

/// What a server says is shown on one line.
std::string shown(std::string_view text)
{
    return printable(text.substr(0, longest_detail));
}

/// Of several lines, which then follow one that says what they are about. An excerpt of a file is aligned by its
/// spaces.
std::string shown_lines(std::string_view text)
{
    text = text.substr(0, longest_detail);
    text.remove_suffix(text.size() - std::min(text.size(), text.find_last_not_of("\r\n") + 1));
    std::string out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        out += (out.empty() ? "" : "\n  ") + printable(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string detail_of(const json::object& problem)
{
    const json::value* v = problem.if_contains("detail");
    return v && v->is_string() ? shown_lines(std::string_view(v->get_string().data(), v->get_string().size())) : "";
}

std::string member(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(json::string_view(name.data(), name.size()));
    return v && v->is_string() ? shown(std::string_view(v->get_string().data(), v->get_string().size())) : "";
}

std::string status_text(unsigned status)
{
    const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return reason.starts_with("<") ? fmt::format("{}", status)
                                   : fmt::format("{} {}", status, std::string_view(reason.data(), reason.size()));
}

exit_code code_of(unsigned status) noexcept
{
    if (status == 401 || status == 403 || status == 408 || status == 429 || status >= 500)
        return exit_code::unreachable;
    return exit_code::usage;
}

/// What names those that there are.
std::string what_lists(std::string_view path)
{
    struct list
    {
        std::string_view beginning;
        std::string_view command;
    };

    constexpr std::string_view runs = "/api/v1/runs/";
    if (const auto tasks = path.find("/tasks/"); path.starts_with(runs) && tasks != std::string_view::npos)
        return fmt::format("`potoo status {}` lists its tasks", path.substr(runs.size(), tasks - runs.size()));
    constexpr std::array lists{list{"/api/v1/dags/", "ls --dags"},    list{"/api/v1/runs/", "ls"},
                               list{"/api/v1/tasks/", "tasks"},       list{"/api/v1/replays/", "replay --list"},
                               list{"/api/v1/tokens/", "token list"}, list{"/api/v1/operators/", "operators"}};
    for (const list& l : lists)
        if (path.starts_with(l.beginning))
            return fmt::format("`potoo {}` lists what there is", l.command);
    return {};
}

std::string next_step(const asked_of_server& asked, const refused_answer& answer)
{
    switch (answer.status) {
    case 401:
        return asked.with_token ? "give another token with POTOO_TOKEN or --token-file"
                                : "give a token with POTOO_TOKEN or --token-file";
    case 403:
        return "a token with another role, or that of its owner, may do it (POTOO_TOKEN, --token-file)";
    case 404:
        return what_lists(asked.path);
    case 429:
    case 503:
        return answer.retry_after.empty() ? "try again later"
                                          : fmt::format("try again in {} s", shown(answer.retry_after));
    default:
        return answer.status >= 500 ? "the server's log says more" : "";
    }
}

/// Without the request that the server names, where a command does the same.
std::string without_request(std::string what)
{
    constexpr std::string_view end = " lists them.";
    const auto at = what.find("; GET /api/v1/");
    if (at != std::string::npos && what.ends_with(end))
        what.erase(at);
    return what;
}

/// One line for each of `errors`: a text, or an object that says what and where.
/// @param said before: what it repeats is left out
std::string single_problems(const json::object& problem, const std::string& said)
{
    const json::value* errors = problem.if_contains("errors");
    std::string out;
    if (!errors || !errors->is_array())
        return out;
    for (const json::value& e : errors->get_array()) {
        if (e.is_string())
            out += fmt::format("  {}\n", shown(std::string_view(e.get_string().data(), e.get_string().size())));
        if (!e.is_object())
            continue;
        const json::object& o = e.get_object();
        std::string where = member(o, "pointer");
        for (const std::string_view name : {"place", "field", "name"})
            where = where.empty() ? member(o, name) : where;
        std::string what = member(o, "detail");
        what = what.empty() ? member(o, "message") : what;
        if (!what.empty() && said.find(what) != std::string::npos)
            continue;
        const std::string suggestion = member(o, "suggestion");
        out += fmt::format("  {}{}{}{}\n", where, where.empty() ? "" : ": ", what,
                           suggestion.empty() ? "" : fmt::format("; did you mean {}?", suggestion));
    }
    return out;
}

/// Why somebody is not let in, and one advice.
/// @param next ours
std::string refusal_of(const json::object& problem, std::string what, const std::string& next)
{
    // The server's advice is for who writes requests.
    if (member(problem, "type").ends_with("token-missing"))
        what = "it needs a token";
    if (what.ends_with('.'))
        what.pop_back();
    const bool has_advice =
        what.find("`potoo token") != std::string::npos || what.find("Look whether") != std::string::npos;
    return has_advice || next.empty() ? what : what + "; " + next;
}

server_error error_of_problem(const asked_of_server& asked, const refused_answer& answer, const json::object& problem)
{
    const bool is_refusal = answer.status == 401 || answer.status == 403;
    std::string what = is_refusal ? member(problem, "detail") : detail_of(problem);
    if (what.empty())
        what = member(problem, "title");
    if (what.empty())
        what = "it gives no reason";
    const std::string next = what.find("did you mean") == std::string::npos ? next_step(asked, answer) : "";
    if (answer.status == 404 && !next.empty())
        what = without_request(std::move(what));
    const exit_code code = code_of(answer.status);
    if (is_refusal)
        return {fmt::format("the server at {} refuses ({}): {}", asked.server, status_text(answer.status),
                            refusal_of(problem, std::move(what), next)),
                answer.status, code};
    std::string text = fmt::format("potoo: error: {}\n{}", what, single_problems(problem, what));
    text += fmt::format("  asked: {} {}{} ({})\n", asked.method, asked.server, asked.path, status_text(answer.status));
    if (!next.empty())
        text += fmt::format("  next: {}\n", next);
    return {text, answer.status, code};
}

} // namespace

server_error no_potoo_server(const asked_of_server& asked, unsigned status, std::string_view why)
{
    return {fmt::format("what answers at {} is no potoo server ({} {}: {}, {}); is --server (POTOO_SERVER) right?",
                        asked.server, asked.method, asked.path, status_text(status), why),
            status, exit_code::unreachable};
}

server_error error_of_answer(const asked_of_server& asked, const refused_answer& answer)
{
    if (answer.status / 100 == 3)
        return {fmt::format("the server at {} sends us elsewhere: give {} with --server (POTOO_SERVER)", asked.server,
                            answer.location.empty() ? "the right address" : shown(answer.location)),
                answer.status, exit_code::unreachable};
    boost::system::error_code ec;
    const json::value body = json::parse({answer.body.data(), answer.body.size()}, ec);
    if (!ec && body.is_object() && answer.content_type.starts_with("application/problem+json"))
        return error_of_problem(asked, answer, body.get_object());
    if (answer.status == 502 || answer.status == 503 || answer.status == 504)
        return {fmt::format("the server behind {} does not answer ({}); is `potoo server` running there?", asked.server,
                            status_text(answer.status)),
                answer.status, exit_code::unreachable};
    return no_potoo_server(asked, answer.status, "no problem document");
}

server_error error_of_exchange(const asked_of_server& asked, boost::system::error_code ec, std::string_view detail)
{
    const std::string why = detail.empty() ? ec.message() : shown(detail);
    const auto failed = [&](std::string_view what, std::string_view next) {
        return server_error(fmt::format("{}: {}; {}", what, why, next), 0, exit_code::unreachable);
    };
    const std::string at = fmt::format("the server at {}", asked.server);
    if (ec == http_error::tls_failed && why.find("wrong version") != std::string::npos)
        return failed(fmt::format("no secure connection to {}", at), "if it speaks no TLS, its address begins http://");
    if (ec == http_error::tls_failed)
        return failed(fmt::format("no secure connection to {}", at),
                      "the certificate of an authority of your own is given with --ca-file FILE");
    if (ec == http_error::proxy_failed)
        return failed(fmt::format("{} cannot be reached through the proxy", at),
                      "http_proxy, https_proxy and no_proxy say which is asked");
    if (ec == http_error::malformed)
        return failed(fmt::format("what answers at {} is no potoo server", asked.server),
                      "if it speaks TLS, its address begins https://");
    if (ec == http_error::connection_lost && asked.method == "GET" && asked.server.starts_with("http://"))
        return failed(fmt::format("{} broke the connection", at), "if it speaks TLS, its address begins https://");
    if (surely_not_sent(ec) || asked.method == "GET")
        return failed(fmt::format("{} cannot be reached", at),
                      "is `potoo server` running there, and is --server (POTOO_SERVER) right?");
    return failed(fmt::format("{} was asked, but did not answer", at),
                  "whether it has done it is not known: `potoo ls` and `potoo status` show");
}

} // namespace potoo::cli
