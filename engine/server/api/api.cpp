#include "engine/server/api/api.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/server/access/sha256.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/refusals.hpp"
#include "engine/server/api/route.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/server/api/schemas.hpp"

#include <potoo/wait.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>
#include <variant>

namespace potoo::server {
namespace {

using error = potoo::server::problem;

constexpr std::size_t json_depth = 64;
constexpr auto tend_interval = std::chrono::hours(1);

bool is_whole(std::string_view text, const parameter& p)
{
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    return !text.empty() && ec == std::errc() && end == text.data() + text.size() && n >= p.least && n <= p.most;
}

/// What a parameter must be; empty when it is that.
std::string wanted(const parameter& p, const std::string& given)
{
    switch (p.kind) {
    case value_kind::text:
        return given.empty() ? "must not be empty" : "";
    case value_kind::whole:
        return is_whole(given, p) ? "" : fmt::format("must be a whole number from {} to {}", p.least, p.most);
    case value_kind::flag:
        return given == "true" || given == "false" ? "" : "must be true or false";
    case value_kind::instant:
        return parse_time(given) ? "" : "must be a time such as 2026-11-21T08:00:00Z";
    case value_kind::word:
        break;
    }
    const bool known = std::find(p.words.begin(), p.words.end(), given) != p.words.end();
    return known ? "" : fmt::format("must be one of {}", fmt::join(p.words, ", "));
}

flaw unknown_parameter(const route& r, const std::string& name)
{
    std::vector<std::string_view> names;
    for (const parameter& p : r.in_query)
        names.push_back(p.name);
    const std::string nearest = graph::nearest_spelling(name, names);
    return {'?' + name,
            names.empty() ? std::string("no parameter is taken here")
                          : fmt::format("there is no such parameter here; there are {}", fmt::join(names, ", ")),
            nearest};
}

/// @throws problem (400) with everything that is wrong with the query
void check_query(const route& r, const web::request& request)
{
    std::vector<flaw> flaws;
    std::vector<std::string_view> seen;
    for (const auto& [name, value] : request.query) {
        const auto declared =
            std::find_if(r.in_query.begin(), r.in_query.end(), [&](const parameter& p) { return p.name == name; });
        const bool is_token = r.token_in_query && name == "access_token";
        if (declared == r.in_query.end() && !is_token)
            flaws.push_back(unknown_parameter(r, name));
        else if (std::find(seen.begin(), seen.end(), name) != seen.end())
            flaws.push_back({'?' + name, "is given more than once", {}});
        else if (!is_token)
            if (std::string text = wanted(*declared, value); !text.empty())
                flaws.push_back({'?' + name, fmt::format("{}, not '{}'", text, value),
                                 graph::nearest_spelling(value, declared->words)});
        seen.push_back(name);
    }
    for (const parameter& p : r.in_query)
        if (p.required && std::find(seen.begin(), seen.end(), p.name) == seen.end())
            flaws.push_back({'?' + std::string(p.name), "is missing", {}});
    if (flaws.empty())
        return;
    const flaw& first = flaws.front();
    throw error(400, "query-invalid",
                fmt::format("The query is not what this takes: {}: {}{}", first.place, first.text,
                            first.suggestion.empty() ? "." : fmt::format("; did you mean {}?", first.suggestion)),
                std::move(flaws));
}

std::string pointer_of(const std::vector<graph::path_step>& path)
{
    std::string out;
    for (const auto& step : path)
        if (const auto* index = std::get_if<std::size_t>(&step))
            out += fmt::format("/{}", *index);
        else
            out += '/' + std::get<std::string>(step);
    return out;
}

bool is_json(const std::string& content_type)
{
    const std::string media = content_type.substr(0, content_type.find_first_of("; "));
    return media == "application/json" || media.ends_with("+json");
}

json::value parsed(const std::string& body)
{
    json::parse_options options;
    options.max_depth = json_depth;
    boost::system::error_code ec;
    json::value v = json::parse(body, ec, {}, options);
    if (ec == json::error::too_deep)
        throw error(400, "json-too-deep", fmt::format("The body is nested deeper than {} levels.", json_depth));
    if (ec)
        throw error(400, "json-malformed", fmt::format("The body is no JSON: {}.", ec.message()));
    return v;
}

/// @throws problem: 400, 415 or 422
json::value checked_body(const route& r, const web::request& request)
{
    if (request.body.empty()) {
        if (r.body_required)
            throw error(400, "body-missing",
                        fmt::format("This needs a body: a JSON object, `{}` in /openapi.json.", r.body));
        return r.body.empty() ? json::value() : json::value(json::object());
    }
    const std::string* type = request.find("content-type");
    if (!type || !is_json(*type))
        throw error(415, "media-type", "The body must be JSON, and say so: send `Content-Type: application/json`.");
    json::value body = parsed(request.body);
    if (r.body.empty()) {
        if (const auto* o = body.if_object(); o && o->empty())
            return json::value();
        throw error(400, "body-unexpected", "This takes no body.");
    }
    std::vector<flaw> flaws;
    for (const graph::schema_problem& p : schema_named(r.body).check(body))
        flaws.push_back({pointer_of(p.path), p.message, p.suggestion});
    if (!flaws.empty())
        throw error(422, "body-invalid",
                    fmt::format("The body is not what this takes: {}: {}{}",
                                flaws.front().place.empty() ? "it" : flaws.front().place, flaws.front().text,
                                flaws.front().suggestion.empty()
                                    ? "."
                                    : fmt::format("; did you mean {}?", flaws.front().suggestion)),
                    std::move(flaws));
    return body;
}

bool names_etag(const std::string& field, const std::string& etag)
{
    return field == "*" || field.find(etag) != std::string::npos;
}

/// Lets a reply that whoever asks has already be told so.
void put_etag(const route& r, const web::request& request, web::reply& reply)
{
    if (r.changes() || reply.status != 200 || reply.stream || reply.talk)
        return;
    const std::string etag = '"' + sha256_hex(reply.body).substr(0, 32) + '"';
    reply.fields.emplace_back("ETag", etag);
    const std::string* known = request.find("if-none-match");
    if (known && names_etag(*known, etag)) {
        reply.status = 304;
        reply.body.clear();
    }
}

void put_usual_fields(web::reply& reply)
{
    const auto has = [&](std::string_view name) {
        return std::any_of(reply.fields.begin(), reply.fields.end(),
                           [&](const web::field& f) { return f.first == name; });
    };
    if (!has("Cache-Control"))
        reply.fields.emplace_back("Cache-Control", "private, no-cache");
    reply.fields.emplace_back("X-Content-Type-Options", "nosniff");
}

route_match match_of(const web::request& head)
{
    route_match m = match(head.method, head.segments);
    if (m.allowed.empty()) {
        const std::string nearest = nearest_path(head.segments);
        throw error(404, "path-unknown",
                    fmt::format("There is nothing at this path; /openapi.json lists what there is{}",
                                nearest.empty() ? "." : fmt::format("; did you mean {}?", nearest)));
    }
    if (!m.found)
        throw error(405, "method-unknown",
                    fmt::format("{} is not taken here; {} is.", head.method, fmt::join(m.allowed, ", ")))
            .with("Allow", fmt::format("{}", fmt::join(m.allowed, ", ")));
    return m;
}

error error_of(const access_refusal& r)
{
    error e(r.status, r.what, r.detail);
    if (!r.challenge.empty())
        e.with("WWW-Authenticate", r.challenge);
    return e;
}

} // namespace

struct api::parts
{
    parts(api_services services, api_options o)
        : options(std::move(o)), entrance(services.tokens, options.access),
          state{services, journal_desk(services.journal, services.open_reader), options.version, options.public_url, {},
                {}}
    {}

    [[nodiscard]] wall_time now() { return state.services.engine.loop().wall_now(); }

    /// Who asks by that route. @throws problem when nobody may
    principal admit(const route& r, const web::request& head)
    {
        if (r.needs == need::probe)
            return {};
        if (const auto refused = entrance.check_host(head))
            throw error_of(*refused);
        if (r.needs == need::open)
            return {};
        const auto who =
            entrance.identify(head, now(), r.token_in_query ? token_place::field_or_query : token_place::field);
        if (const auto* refused = std::get_if<access_refusal>(&who))
            throw error_of(*refused);
        return std::get<principal>(who);
    }

    /// @throws problem (403) when the role of `who` is not enough
    static void check_role(const route& r, const principal& who)
    {
        const bool open = r.needs == need::probe || r.needs == need::open;
        if (!open && !suffices(who.may, r.needs))
            throw error(403, "role-too-small",
                        fmt::format("{} needs the role {}; the token {} ({}) has the role {}.", r.operation,
                                    r.needs == need::admin ? "`admin`" : "`user` or `admin`", who.token, who.name,
                                    to_string(who.may)));
    }

    [[nodiscard]] audit_entry entry(const route& r, const principal& who, const web::request& request, unsigned status,
                                    std::string detail)
    {
        const bool open = r.needs == need::open;
        // The path of an open route may hold a secret of its own.
        return {now(),
                open ? std::string(r.tag) : who.shown(),
                who.token,
                request.peer,
                std::string(r.operation),
                open ? std::string(r.path) : request.path,
                status,
                std::move(detail)};
    }

    void say(std::string_view text) const
    {
        if (options.say)
            options.say(text);
    }

    void answered(const route* r, const web::request& request, const principal& who, unsigned status) const
    {
        if (!options.answered)
            return;
        web::request shown = request;
        shown.query.clear();
        shown.body.clear();
        if (r && r->needs == need::open)
            shown.path = r->path; // which may hold a secret
        options.answered(shown, who.token.empty() && !who.is_admin() ? std::string() : who.shown(), status);
    }

    /// What is told of `e`.
    web::reply reply_of(const std::exception_ptr& e, const web::request& request, std::string& detail)
    {
        try {
            std::rethrow_exception(e);
        } catch (const error& p) {
            detail = p.what();
            return p.reply(request.path);
        } catch (const task_refused& t) {
            detail = t.what();
            return problem_of(t).reply(request.path);
        } catch (const replay_refused& r) {
            detail = r.what();
            return problem_of(r).reply(request.path);
        } catch (const journal::store_error& s) {
            detail = s.what();
            say(fmt::format("{} {}: {}", request.method, request.path, s.what()));
            return error(503, "journal", fmt::format("The journal cannot be used: {}", s.what())).reply(request.path);
        } catch (const std::exception& other) {
            detail = other.what();
            say(fmt::format("{} {}: {}", request.method, request.path, other.what()));
            return error(500, "internal", "The server has failed at this; its log says more.").reply(request.path);
        }
    }

    api_options options;
    gate entrance;
    api_state state;
};

api::api(api_services services, api_options options)
    : parts_(std::make_unique<parts>(std::move(services), std::move(options)))
{}

api::~api() = default;

std::optional<web::reply> api::refuse(const web::request& head)
{
    principal who;
    const route* found = nullptr;
    std::string detail;
    std::exception_ptr failed;
    try {
        found = match_of(head).found;
        who = parts_->admit(*found, head);
        parts::check_role(*found, who);
        return std::nullopt;
    } catch (const std::exception&) {
        failed = std::current_exception();
    }
    web::reply r = parts_->reply_of(failed, head, detail);
    put_usual_fields(r);
    if (found && found->changes() && !who.name.empty())
        parts_->state.services.audit.note(parts_->entry(*found, who, head, r.status, detail));
    parts_->answered(found, head, who, r.status);
    return r;
}

std::size_t api::body_limit(const web::request& head)
{
    const route_match m = match(head.method, head.segments);
    // A body that is not wanted is told so when it is small.
    constexpr std::size_t small = 4'096;
    return m.found && !m.found->body.empty() ? parts_->options.body_bytes : small;
}

task<web::reply> api::answer(web::request request)
{
    principal who;
    const route* found = nullptr;
    std::string detail;
    std::exception_ptr failed;
    web::reply reply;
    try {
        route_match m = match_of(request);
        found = m.found;
        who = parts_->admit(*found, request);
        parts::check_role(*found, who);
        check_query(*found, request);
        if (request.body.size() > body_limit(request))
            throw error(413, "body-too-large", fmt::format("The body may have {} bytes.", body_limit(request)));
        call c(parts_->state, *found, request, who, std::move(m.values), checked_body(*found, request));
        auto made = co_await found->handle(c);
        reply = std::move(made);
        put_etag(*found, request, reply);
    } catch (const std::exception&) {
        failed = std::current_exception();
    }
    if (failed)
        reply = parts_->reply_of(failed, request, detail);
    put_usual_fields(reply);
    // Of open routes only what took effect: anybody may send them anything.
    const bool known =
        !who.name.empty() || who.is_admin() || (found && found->needs == need::open && reply.status < 400);
    if (found && known && found->changes()) {
        audit_entry e = parts_->entry(*found, who, request, reply.status, std::move(detail));
        co_await parts_->state.services.audit.record(std::move(e));
    }
    parts_->answered(found, request, who, reply.status);
    co_return reply;
}

task<> api::tend()
{
    for (;;) {
        const wall_time now = parts_->now();
        co_await parts_->state.services.audit.forget_before(now - parts_->options.keep_audit);
        co_await forget_run_keys(parts_->state.services, now);
        co_await sleep_for(tend_interval);
    }
}

web::reply api::problem(unsigned status, std::string_view detail)
{
    web::reply r = error(status, "request", std::string(detail)).reply();
    put_usual_fields(r);
    return r;
}

} // namespace potoo::server
