#include "rest_service.hpp"

#include <potoo/http_json.hpp>
#include <potoo/json_members.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace potoo::slurm {
namespace {

/// slurmrestd tries for longer to reach a controller that is not there; a refused token it has back at once.
constexpr duration longest_refusal{3'000};
constexpr std::int64_t parsing_failed = 9001; ///< follows the error that says why

slurm_error read_error(const json::object& o)
{
    slurm_error e;
    for (const char* name : {"error_number", "error_code"}) {
        const json::value* v = o.if_contains(name);
        if (v && v->is_int64())
            e.number = v->get_int64();
    }
    e.text = text_in(o, "description");
    const std::string error = text_in(o, "error");
    if (!error.empty() && e.text.find(error) == std::string::npos)
        e.text += (e.text.empty() ? "" : ": ") + error;
    if (e.text.empty())
        e.text = fmt::format("error {}", e.number);
    return e;
}

bool may_be_the_token(const reply& r)
{
    if (r.error || r.took >= longest_refusal || r.response.status != 500)
        return false;
    const auto number = number_of(errors_of(r.response));
    return number == error_number::unspecified || number == error_number::nothing_received;
}

} // namespace

std::vector<slurm_error> errors_of(const http_response& r)
{
    std::vector<slurm_error> all;
    json::parse_options options;
    options.max_depth = deepest_json_body;
    boost::system::error_code ec;
    const json::value v = json::parse(r.body, ec, {}, options);
    const json::object* answer = ec ? nullptr : v.if_object();
    const json::value* list = answer ? answer->if_contains("errors") : nullptr;
    if (!list || !list->is_array())
        return all;
    for (const json::value& e : list->get_array()) {
        if (e.is_object())
            all.push_back(read_error(e.get_object()));
    }
    return all;
}

std::optional<std::int64_t> number_of(const std::vector<slurm_error>& errors)
{
    if (errors.empty())
        return std::nullopt;
    const auto telling = [](const slurm_error& e) { return e.number > 0 && e.number != parsing_failed; };
    const auto found = std::find_if(errors.begin(), errors.end(), telling);
    return found == errors.end() ? errors.back().number : found->number;
}

std::string text_of(const std::vector<slurm_error>& errors)
{
    std::string text;
    for (const slurm_error& e : errors) {
        if (text.find(e.text) == std::string::npos)
            text += (text.empty() ? "" : "; ") + e.text;
    }
    return text.empty() ? "no reason given" : text;
}

rest_service::rest_service(potoo::loop& l, settings s)
    : gate(l, s.requests), arrays(array_launch::rules{.most = s.max_array}), settings_(std::move(s)),
      credentials_(settings_.token)
{}

task<reply> rest_service::send(outside o, http_request r, duration timeout)
{
    auto bearer = co_await credentials_.current(o);
    r.url = fmt::format("{}/slurm/{}{}", settings_.url, settings_.api_version, r.url);
    r.headers.push_back({"X-SLURM-USER-NAME", settings_.user});
    r.headers.push_back({"X-SLURM-USER-TOKEN", std::move(bearer.token)});
    r.deadline = o.loop.now() + timeout;
    reply a;
    a.method = r.method;
    a.url = without_query(r.url);
    a.token = bearer.generation;
    const steady_time begun = o.loop.now();
    auto response = co_await client(o).send(std::move(r));
    a.took = o.loop.now() - begun;
    if (response) {
        a.response = std::move(*response);
        if (a.response.status == 200 || a.response.status == 304)
            credentials_.accepted(a.token);
        if (const auto pause = asked_pause(a.response, o.loop.wall_now()))
            gate.throttle(o.loop.now() + *pause);
    } else {
        a.error = response.error();
        a.detail = client(o).last_error_detail();
    }
    co_return a;
}

task<bool> rest_service::is_token_accepted(outside o, duration timeout, bool& slow)
{
    http_request ping;
    ping.url = "/ping";
    const auto answer = co_await send(o, std::move(ping), timeout);
    slow = !answer.good() && !may_be_the_token(answer) && answer.response.status != 401;
    co_return answer.good();
}

task<rest_service::verdict> rest_service::examine(outside o, const reply& r, duration timeout)
{
    if (!r.error && r.response.status == 403)
        co_return verdict::forbidden;
    const bool refused_outright = !r.error && r.response.status == 401;
    if (!refused_outright && !may_be_the_token(r))
        co_return verdict::heard;
    bool slow = false;
    if (!refused_outright && credentials_.generation() == r.token) {
        const bool accepted = co_await is_token_accepted(o, timeout, slow);
        if (accepted || slow)
            co_return verdict::heard;
    }
    const bool another = co_await credentials_.renew(o, r.token);
    if (!another)
        co_return verdict::refused;
    const bool accepted = co_await is_token_accepted(o, timeout, slow);
    co_return accepted || slow ? verdict::renewed : verdict::refused;
}

std::string rest_service::refusal(outside o) const
{
    return fmt::format("Slurm at {} refuses the token of the user {}{}", settings_.url, settings_.user,
                       credentials_.remarks(o.loop.wall_now(), settings_.user));
}

std::string rest_service::trouble(const reply& r) const
{
    if (r.error)
        return failure_of_exchange(r.method, r.url, r.error, r.detail).message;
    const auto errors = errors_of(r.response);
    if (errors.empty())
        return failure_of_status(r.method, r.url, r.response).message +
               (r.response.status == 404
                    ? fmt::format(" (is slurmrestd at {}, with the API {}?)", settings_.url, settings_.api_version)
                    : "");
    if (number_of(errors) == error_number::no_controller ||
        (number_of(errors) == error_number::unspecified && r.took >= longest_refusal))
        return fmt::format("slurmrestd at {} cannot reach Slurm's controller ({})", settings_.url, text_of(errors));
    return fmt::format("{} {}: {} (Slurm's error {})", r.method, r.url, text_of(errors), *number_of(errors));
}

void rest_service::raise_repeatable(outside o, const reply& r, verdict v) const
{
    if (v == verdict::refused)
        throw failure(refusal(o), "unauthorized");
    if (v == verdict::forbidden)
        throw failure(fmt::format("the user {} is not let in: {}", settings_.user, trouble(r)), "forbidden");
    if (r.error)
        throw failure(trouble(r), failure_of_exchange(r.method, r.url, r.error).code);
    const auto number = number_of(errors_of(r.response));
    throw failure(trouble(r), number ? fmt::format("slurm_{}", *number) : fmt::format("http_{}", r.response.status));
}

} // namespace potoo::slurm
