#include "routes.hpp"

#include "bad_request.hpp"
#include "submission.hpp"

#include <boost/json.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace job_service {

namespace json = boost::json;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view id_segment = "{id}";
constexpr std::size_t page_limit = 1'000;
constexpr std::uint64_t longest_wait_ms = 60'000;

struct pattern
{
    std::array<std::string_view, 3> segments; // empty ones at the end: no more
    http::verb method;
    route which;
};

constexpr std::array<pattern, 11> patterns{{
    {{"jobs", id_segment, ""}, http::verb::get, route::status},
    {{"jobs", id_segment, ""}, http::verb::delete_, route::cancel},
    {{"jobs", "", ""}, http::verb::post, route::submit},
    {{"jobs", "", ""}, http::verb::get, route::list},
    {{"jobs", "query", ""}, http::verb::post, route::query},
    {{"jobs", id_segment, "log"}, http::verb::get, route::log},
    {{"jobs", id_segment, "forget"}, http::verb::post, route::forget},
    {{"stats", "", ""}, http::verb::get, route::stats},
    {{"faults", "", ""}, http::verb::get, route::get_faults},
    {{"faults", "", ""}, http::verb::put, route::put_faults},
    {{"reset", "", ""}, http::verb::post, route::reset},
}};

std::string_view view(boost::core::string_view text)
{
    return {text.data(), text.size()};
}

// At most three segments; none if the path has another form.
std::optional<std::array<std::string_view, 3>> segments_of(std::string_view path)
{
    std::array<std::string_view, 3> segments;
    if (!path.starts_with('/'))
        return std::nullopt;
    for (auto& segment : segments) {
        path.remove_prefix(1);
        segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        if (path.empty())
            return segments;
        if (segment.empty())
            return std::nullopt;
    }
    return std::nullopt;
}

bool matches(const pattern& candidate, const std::array<std::string_view, 3>& segments)
{
    return std::ranges::equal(candidate.segments, segments, [](std::string_view wanted, std::string_view found) {
        return wanted == id_segment ? !found.empty() && found != "query" : wanted == found;
    });
}

std::uint64_t number_in(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
        throw bad_request(
            fmt::format("{}: expected a whole number from {} to {}, found {}", name, least, most, quoted(text)));
    return number;
}

bool takes(route which, std::string_view parameter)
{
    switch (which) {
    case route::status:
        return parameter == "wait_ms";
    case route::log:
        return parameter == "wait_ms" || parameter == "offset";
    case route::list:
        return parameter == "token" || parameter == "state" || parameter == "limit" || parameter == "after";
    default:
        return false;
    }
}

void append_job(std::string& body, job& subject, bool stale)
{
    if (body.back() != '[')
        body += ',';
    body += stale ? stale_status_of(subject) : status_of(subject);
}

response json_response(unsigned status, std::string body)
{
    response made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

response refused_method(std::string_view path, const std::array<std::string_view, 3>& segments, std::string_view method)
{
    std::vector<std::string_view> allowed;
    for (const auto& candidate : patterns)
        if (matches(candidate, segments))
            allowed.push_back(view(http::to_string(candidate.method)));
    const auto methods = fmt::format("{}", fmt::join(allowed, ", "));
    auto refusal = problem(405, fmt::format("{} takes {}, not {}", path, methods, method));
    refusal.headers = fmt::format("Allow: {}\r\n", methods);
    return refusal;
}

} // namespace

response problem(unsigned status, std::string_view detail)
{
    const auto title = view(http::obsolete_reason(static_cast<http::status>(status)));
    auto made = json_response(
        status, fmt::format(R"({{"status":{},"title":"{}","detail":{}}})", status, title, quoted(detail)));
    made.content_type = "application/problem+json";
    return made;
}

call routes::recognise(const request& asked) const
{
    call made;
    const auto target = view(asked.target());
    const auto path = target.substr(0, target.find('?'));
    if (asked.count(http::field::origin) != 0) {
        made.refusal = problem(403, "requests of web pages (those with an Origin header) are refused");
        return made;
    }
    const auto segments = segments_of(path);
    bool path_known = false;
    for (const auto& candidate : patterns) {
        if (!segments || !matches(candidate, *segments))
            continue;
        path_known = true;
        if (candidate.method == asked.method())
            made.which = candidate.which;
    }
    if (!path_known) {
        made.refusal = problem(404, fmt::format("there is nothing at {}", path));
        return made;
    }
    if (made.which == route::unknown) {
        made.refusal = refused_method(path, *segments, view(asked.method_string()));
        return made;
    }
    made.id = (*segments)[1];
    if (path.size() < target.size()) {
        try {
            read_parameters(target, made);
        } catch (const bad_request& error) {
            made.refusal = problem(400, error.what());
        }
    }
    return made;
}

void routes::read_parameters(std::string_view target, call& made) const
{
    const auto parsed = boost::urls::parse_origin_form(boost::core::string_view(target.data(), target.size()));
    if (!parsed)
        throw bad_request(fmt::format("{} is not well-formed: {}", quoted(target), parsed.error().message()));
    boost::urls::encoding_opts decoding;
    decoding.space_as_plus = true;
    for (const auto& parameter : parsed->params(decoding)) {
        if (!takes(made.which, parameter.key))
            throw bad_request(fmt::format("query: unknown parameter {}", quoted(parameter.key)));
        read_parameter(parameter.key, parameter.value, made);
    }
}

void routes::read_parameter(const std::string& name, const std::string& value, call& made) const
{
    if (name == "wait_ms") {
        made.wait = std::chrono::milliseconds(number_in(name, value, 0, longest_wait_ms));
    } else if (name == "offset") {
        made.offset = number_in(name, value, 0, std::numeric_limits<std::uint64_t>::max());
    } else if (name == "limit") {
        made.filter.limit = number_in(name, value, 1, page_limit);
    } else if (name == "token") {
        made.filter.token = value;
    } else if (name == "state") {
        made.filter.state = job_state_named(value);
        if (!made.filter.state)
            throw bad_request(
                fmt::format("state: expected one of {}, found {}", fmt::join(job_state_names, ", "), quoted(value)));
    } else if (name == "after") {
        const auto number = job_table::number_of(value);
        if (!number)
            throw bad_request(fmt::format("after: expected the id of a job, found {}", quoted(value)));
        made.filter.after = *number;
    }
}

job_ptr routes::awaited_by(const call& made) const
{
    if (made.wait.count() == 0 || made.refusal)
        return nullptr;
    auto subject = table_.find(made.id);
    if (!subject || is_terminal(subject->state))
        return nullptr;
    if (made.which == route::log && subject->output && subject->output->size() > made.offset)
        return nullptr;
    return subject;
}

response routes::answer(const call& made, const request& asked, bool stale)
{
    if (made.refusal)
        return *made.refusal;
    try {
        switch (made.which) {
        case route::submit:
            return submit(asked);
        case route::list:
            return list(made, stale);
        case route::query:
            return query(asked, stale);
        case route::stats:
            return stats();
        case route::get_faults:
            return json_response(200, json::serialize(faults_.describe()));
        case route::put_faults:
            return put_faults(asked);
        case route::reset:
            return reset();
        default:
            return answer_for_job(made, stale);
        }
    } catch (const bad_request& error) {
        return problem(400, error.what());
    }
}

response routes::answer_for_job(const call& made, bool stale)
{
    const auto subject = table_.find(made.id);
    if (!subject)
        return problem(404, fmt::format("there is no job {}", made.id));
    switch (made.which) {
    case route::cancel:
        return cancel(subject);
    case route::log:
        return log(made, *subject);
    case route::forget:
        return forget(subject);
    default:
        return status(subject, stale);
    }
}

response routes::submit(const request& asked)
{
    if (dispatcher_.stopping())
        return problem(503, "the service is stopping");
    const auto document = object_in(asked.body());
    auto wanted = submission_from(document, view(asked["Idempotency-Key"]));
    if (settings_.deduplicate && !wanted.token.empty()) {
        const auto same_token = table_.with_token(wanted.token);
        if (!same_token.empty())
            return json_response(200, status_of(*same_token.front()));
    }
    const auto accepted = table_.accept(std::move(wanted));
    dispatcher_.submit(accepted);
    auto made = json_response(201, status_of(*accepted));
    made.headers = fmt::format("Location: /jobs/{}\r\n", accepted->id);
    return made;
}

response routes::list(const call& made, bool stale) const
{
    const auto page = table_.list(made.filter);
    std::string body = R"({"jobs":[)";
    for (const auto& subject : page.jobs)
        append_job(body, *subject, stale);
    body += page.more ? fmt::format(R"(],"next":"{}"}})", page.jobs.back()->id) : R"(],"next":null})";
    return json_response(200, std::move(body));
}

response routes::query(const request& asked, bool stale) const
{
    const auto document = object_in(asked.body());
    const auto* ids = document.if_contains("ids");
    const auto* tokens = document.if_contains("tokens");
    if (document.size() != 1 || (!ids && !tokens))
        throw bad_request(R"(body: expected either {"ids": […]} or {"tokens": […]})");
    const auto& wanted = ids ? *ids : *tokens;
    const auto name = ids ? "ids" : "tokens";
    if (!wanted.is_array())
        throw bad_request(fmt::format("{}: expected an array of strings, found {}", name, kind_of(wanted)));
    if (wanted.get_array().size() > settings_.query_limit)
        throw bad_request(fmt::format("{}: {} of them, at most {} in a query", name, wanted.get_array().size(),
                                      settings_.query_limit));
    std::string body = R"({"jobs":[)";
    for (const auto& element : wanted.get_array()) {
        if (!element.is_string())
            throw bad_request(fmt::format("{}: expected an array of strings, found {} in it", name, kind_of(element)));
        const auto text = view(element.get_string());
        if (tokens) {
            for (const auto& subject : table_.with_token(text))
                append_job(body, *subject, stale);
        } else if (const auto subject = table_.find(text)) {
            append_job(body, *subject, stale);
        }
    }
    body += "]}";
    return json_response(200, std::move(body));
}

response routes::status(const job_ptr& subject, bool stale) const
{
    return json_response(200, stale ? stale_status_of(*subject) : status_of(*subject));
}

response routes::cancel(const job_ptr& subject)
{
    if (is_terminal(subject->state) && subject->state != job_state::cancelled) {
        auto refusal = problem(409, fmt::format("{} has ended already: {}", subject->id, name_of(subject->state)));
        refusal.body.pop_back();
        refusal.body += fmt::format(R"(,"state":"{}","job":{}}})", name_of(subject->state), status_of(*subject));
        return refusal;
    }
    dispatcher_.cancel(subject);
    return json_response(is_terminal(subject->state) ? 200 : 202, status_of(*subject));
}

response routes::log(const call& made, const job& subject) const
{
    response answer;
    answer.content_type = "text/plain; charset=utf-8";
    const job_output nothing(0);
    const auto& output = subject.output ? *subject.output : nothing;
    const auto text = output.from(made.offset);
    answer.headers = fmt::format("X-Log-Offset: {}\r\nX-Log-Size: {}\r\n", output.size() - text.size(), output.size());
    answer.body = text;
    return answer;
}

response routes::forget(const job_ptr& subject)
{
    table_.forget(subject);
    dispatcher_.abandon(subject);
    return json_response(200, fmt::format(R"({{"forgotten":"{}"}})", subject->id));
}

response routes::stats() const
{
    json::object jobs{{"accepted", table_.accepted()}};
    for (std::size_t i = 0; i < job_state_names.size(); ++i)
        jobs[job_state_names[i]] = table_.count(static_cast<job_state>(i));
    json::object requests;
    for (std::size_t i = 0; i < route_names.size(); ++i)
        requests[route_names[i]] = statistics_.requests[i];
    json::object tokens;
    std::uint64_t most = 0;
    for (const auto& [token, count] : table_.accepted_per_token()) {
        tokens[token] = count;
        most = std::max(most, count);
    }
    const json::object document{
        {"jobs", std::move(jobs)},
        {"slots", {{"total", dispatcher_.slots()}, {"busy", dispatcher_.busy()}, {"peak", dispatcher_.peak()}}},
        {"requests", std::move(requests)},
        {"connections", {{"accepted", statistics_.connections_accepted}, {"open", statistics_.connections_open}}},
        {"tokens", std::move(tokens)},
        {"max_per_token", most}};
    return json_response(200, json::serialize(document));
}

response routes::put_faults(const request& asked)
{
    faults_.replace(object_in(asked.body()));
    return json_response(200, json::serialize(faults_.describe()));
}

response routes::reset()
{
    const auto known = table_.all();
    table_.clear();
    for (const auto& subject : known)
        dispatcher_.abandon(subject);
    dispatcher_.reset_peak();
    faults_ = {};
    statistics_.requests = {};
    statistics_.connections_accepted = statistics_.connections_open;
    return json_response(200, "{}");
}

} // namespace job_service
