#include "engine/server/api/api.hpp"

#include "engine/journal/store_error.hpp"
#include "engine/server/api/call.hpp"
#include "engine/server/api/refusals.hpp"
#include "engine/server/api/request_check.hpp"
#include "engine/server/api/route.hpp"
#include "engine/server/api/run_start.hpp"
#include "engine/text/ascii.hpp"
#include "engine/text/digest.hpp"

#include <potoo/wait.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <any>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>

namespace potoo::server {
namespace {

using error = potoo::server::problem;

constexpr auto tend_interval = std::chrono::hours(1);

bool names_etag(const std::string& field, const std::string& etag)
{
    return field == "*" || field.find(etag) != std::string::npos;
}

/// The path without what looks like a token, also where it was escaped.
std::string path_without_secrets(const web::request& r)
{
    std::string whole;
    for (const std::string& segment : r.segments)
        whole += '/' + segment;
    std::string shown = without_secrets(whole);
    return shown == whole ? r.path : shown;
}

/// The path as the log and the audit trail have it: what stands behind `callbacks` is a secret, however wrong the
/// method or the rest of the path is.
std::string shown_path(const web::request& r)
{
    std::string whole;
    for (const std::string& segment : r.segments)
        whole += '/' + segment;
    return text::lower(whole).find("/callbacks/") == std::string::npos ? path_without_secrets(r)
                                                                       : std::string("/api/v1/callbacks/{token}");
}

/// Lets a reply that whoever asks has already be told so.
void put_etag(const route& r, const web::request& request, web::reply& reply)
{
    if (r.changes() || reply.status != 200 || reply.stream || reply.talk)
        return;
    const std::string etag = '"' + text::sha256_hex(reply.body).substr(0, 32) + '"';
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

error method_unknown(const std::string& method, const std::string& allowed)
{
    error e(405, "method-unknown", fmt::format("{} is not taken here; {} is.", method, allowed));
    e.with("Allow", allowed);
    return e;
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
        throw method_unknown(head.method, fmt::format("{}", fmt::join(m.allowed, ", ")));
    return m;
}

/// A request that its head has let in.
struct admission
{
    const route* by = nullptr;
    std::map<std::string, std::string, std::less<>> values; ///< of the path's parameters
    principal who;
};

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
          state{services,
                host::journal_desk(services.journal, services.open_reader),
                options.version,
                options.public_url,
                {},
                {}}
    {}

    /// Most bytes that a body may have there.
    [[nodiscard]] std::size_t body_limit(const route& r) const
    {
        // One that is not wanted is told so when it is small.
        constexpr std::size_t small = 4'096;
        return r.body.empty() ? small : options.body_bytes;
    }

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
                                    const std::string& detail)
    {
        const bool open = r.needs == need::open;
        return {now(),
                open ? std::string(r.tag) : who.shown(),
                who.token,
                request.peer,
                std::string(r.operation),
                shown_path(request),
                status,
                without_secrets(detail)};
    }

    void say(std::string_view text) const
    {
        if (options.say)
            options.say(text);
    }

    void answered(const web::request& request, const principal& who, unsigned status) const
    {
        if (!options.answered)
            return;
        web::request shown = request;
        shown.query.clear();
        shown.body.clear();
        shown.path = shown_path(request);
        shown.segments.clear();
        options.answered(shown, who.token.empty() && !who.is_admin() ? std::string() : who.shown(), status);
    }

    /// What is told of `e`.
    web::reply reply_of(const std::exception_ptr& e, const web::request& request, std::string& detail)
    {
        try {
            std::rethrow_exception(e);
        } catch (const error& p) {
            detail = p.what();
            return p.reply(path_without_secrets(request));
        } catch (const task_refused& t) {
            detail = t.what();
            return problem_of(t).reply(path_without_secrets(request));
        } catch (const replay_refused& r) {
            detail = r.what();
            return problem_of(r).reply(path_without_secrets(request));
        } catch (const journal::store_error& s) {
            detail = s.what();
            say(fmt::format("{} {}: {}", request.method, shown_path(request), s.what()));
            return error(503, "journal", fmt::format("The journal cannot be used: {}", s.what()))
                .reply(path_without_secrets(request));
        } catch (const server_stopping& s) {
            detail = s.what();
            return error(503, "stopping", s.what()).reply(path_without_secrets(request));
        } catch (const std::exception& other) {
            detail = other.what();
            say(fmt::format("{} {}: {}", request.method, shown_path(request), other.what()));
            return error(500, "internal", "The server has failed at this; its log says more.")
                .reply(path_without_secrets(request));
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

std::optional<web::reply> api::refuse(web::request& head)
{
    principal who;
    const route* found = nullptr;
    std::string detail;
    std::exception_ptr failed;
    try {
        route_match m = match_of(head);
        found = m.found;
        who = parts_->admit(*found, head);
        parts::check_role(*found, who);
        head.admitted = admission{found, std::move(m.values), std::move(who)};
        return std::nullopt;
    } catch (const std::exception&) {
        failed = std::current_exception();
    }
    web::reply r = parts_->reply_of(failed, head, detail);
    put_usual_fields(r);
    if (found && found->changes() && !who.name.empty())
        parts_->state.services.audit.note(parts_->entry(*found, who, head, r.status, detail));
    parts_->answered(head, who, r.status);
    return r;
}

std::size_t api::body_limit(const web::request& head)
{
    return parts_->body_limit(*std::any_cast<const admission&>(head.admitted).by);
}

task<web::reply> api::answer(web::request request)
{
    auto in = std::any_cast<admission>(std::move(request.admitted));
    const route& by = *in.by;
    const principal& who = in.who;
    std::string detail;
    std::exception_ptr failed;
    web::reply reply;
    std::optional<call> asked;
    try {
        check_query(by, request);
        if (request.body.size() > parts_->body_limit(by))
            throw error(413, "body-too-large", fmt::format("The body may have {} bytes.", parts_->body_limit(by)));
        asked.emplace(parts_->state, by, request, who, std::move(in.values), checked_body(by, request));
        auto made = co_await by.handle(*asked);
        reply = std::move(made);
        put_etag(by, request, reply);
    } catch (const std::exception&) {
        failed = std::current_exception();
    }
    if (failed)
        reply = parts_->reply_of(std::exchange(failed, nullptr), request, detail);
    // Of open routes only what took effect: anybody may send them anything.
    const bool known = !who.name.empty() || who.is_admin() || (by.needs == need::open && reply.status < 400);
    if (known && by.changes() && !(asked && asked->audited.left_out)) {
        audit_entry e = parts_->entry(by, who, request, reply.status, detail);
        if (asked && !asked->audited.target.empty())
            e.target = asked->audited.target;
        try {
            co_await parts_->state.services.audit.record(std::move(e));
        } catch (const std::exception&) {
            failed = std::current_exception();
        }
    }
    if (failed)
        reply = parts_->reply_of(failed, request, detail);
    put_usual_fields(reply);
    parts_->answered(request, who, reply.status);
    co_return reply;
}

task<> api::tend()
{
    for (;;) {
        try {
            const wall_time now = parts_->now();
            co_await parts_->state.services.audit.forget_before(now - parts_->options.keep_audit);
            co_await forget_run_keys(parts_->state.services, now);
        } catch (const std::exception& e) {
            parts_->say(fmt::format("what is too old was not forgotten: {}", e.what()));
        }
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
