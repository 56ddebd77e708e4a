#include "http_job_description.hpp"

#include <potoo/http_json.hpp>
#include <potoo/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace potoo::http_job {
namespace {

/// What stands beside a request in the same map.
const std::array<std::string, 1> beside_find{"id"};
const std::array<std::string, 3> beside_batch{"limit", "items", "id"};

std::optional<field> read_field(context& ctx, const char* name)
{
    auto t = ctx.late(name);
    return t ? std::optional<field>(std::in_place, name, std::move(*t)) : std::nullopt;
}

field require_field(context& ctx, const char* name)
{
    auto f = read_field(ctx, name);
    if (!f)
        throw fatal(fmt::format("`{}` is missing", name));
    return std::move(*f);
}

field member_field(const value_template& t, const std::string& owner, const char* name)
{
    auto m = t.member(name);
    if (!m)
        throw fatal(fmt::format("`{}.{}` is missing", owner, name));
    return {fmt::format("{}.{}", owner, name), std::move(*m)};
}

std::size_t read_limit(const value_template& batch, std::size_t usual)
{
    const auto t = batch.member("limit");
    if (!t)
        return usual;
    const json::value v = t->source();
    boost::system::error_code ec;
    const auto limit = v.to_number<std::int64_t>(ec);
    if (ec || limit < 1 || limit > 100'000)
        throw fatal(fmt::format("`batch.limit` must be a number from 1 to 100000, not {}", json::serialize(v)));
    return static_cast<std::size_t>(limit);
}

std::optional<batch_description> read_batch(context& ctx)
{
    const auto t = ctx.late("batch");
    if (!t)
        return std::nullopt;
    batch_description b;
    b.request = field("batch", t->without(beside_batch));
    b.items = member_field(*t, "batch", "items");
    b.id = member_field(*t, "batch", "id");
    b.limit = read_limit(*t, b.limit);
    b.id_path = b.id.path_from("job");
    if (auto path = b.items.path_from("response"); path && path->size() > 1 && path->front() == "body")
        b.items_path.emplace(path->begin() + 1, path->end());
    return b;
}

std::vector<std::string> read_states(const json::object& with, std::string_view name)
{
    std::vector<std::string> states;
    if (const json::value* v = with.if_contains(name)) {
        for (const auto& s : v->as_array())
            states.emplace_back(s.as_string());
    }
    return states;
}

[[nodiscard]] bool holds(const std::vector<std::string>& states, std::string_view s)
{
    return std::find(states.begin(), states.end(), s) != states.end();
}

void check_states(const description& d)
{
    for (const auto& s : d.success) {
        if (holds(d.failure, s) || holds(d.cancelled, s))
            throw fatal(fmt::format("the state {} is a success and something else as well", s));
    }
    for (const auto& s : d.failure) {
        if (holds(d.cancelled, s))
            throw fatal(fmt::format("the state {} stands in `failure` and in `cancelled`", s));
    }
}

void read_limits(const json::object& with, description& d)
{
    const json::value* v = with.if_contains("limits");
    if (!v)
        return;
    const json::object& o = v->as_object();
    if (const json::value* n = o.if_contains("concurrency"))
        d.concurrency = n->to_number<std::size_t>();
    if (const json::value* n = o.if_contains("per_second"))
        d.per_second = n->to_number<double>();
    if (d.per_second && *d.per_second > 0 && *d.per_second < 0.001)
        throw fatal("`limits.per_second` must be 0, for no limit, or at least 0.001");
}

/// A job that was told to stop ends soon, and somebody waits for it.
poll_pace pace_of_an_end(poll_pace usual)
{
    usual.interval = std::min(usual.interval, duration{1'000});
    usual.max_interval = std::min(usual.max_interval, duration{5'000});
    return usual;
}

std::string text_of(const json::value& v)
{
    return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

/// A service's error: text, or an object with `message` and perhaps `code` or `exit_code`.
void put_error(job_result& r, const json::value& error)
{
    if (error.is_null())
        return;
    const auto* o = error.if_object();
    const json::value* message = o ? o->if_contains("message") : nullptr;
    r.error = text_of(message && message->is_string() ? *message : error);
    if (!o)
        return;
    if (const json::value* code = o->if_contains("code"); code && code->is_string())
        r.code = std::string(code->get_string());
    else if (const json::value* exit = o->if_contains("exit_code"); exit && exit->is_number())
        r.code = "exit_" + json::serialize(*exit);
}

} // namespace

field::field(std::string name, value_template text) : name_(std::move(name)), template_(std::move(text))
{
    if (template_.is_expression())
        whole_ = template_.expressions().front();
}

bool field::mentions(std::string_view root) const
{
    const auto all = template_.expressions();
    return std::any_of(all.begin(), all.end(), [&](const expression& e) { return e.mentions(root); });
}

bool field::takes_as_it_is(std::string_view name) const
{
    const auto all = template_.expressions();
    return std::all_of(all.begin(), all.end(), [&](const expression& e) {
        const std::string_view source = e.source();
        const auto begin = source.find_first_not_of(" \t\r\n");
        const auto end = source.find_last_not_of(" \t\r\n");
        return !e.mentions(name) || (begin != std::string_view::npos && source.substr(begin, end + 1 - begin) == name);
    });
}

std::optional<member_path> field::path_from(std::string_view root) const
{
    return whole_ ? member_path_of(whole_->source(), root) : std::nullopt;
}

json::value field::evaluate(const bindings& b) const
{
    try {
        return template_.render(b);
    } catch (const expression_error& e) {
        throw fatal(fmt::format("`{}`: {}", name_, e.what()), "bad_expression");
    }
}

const json::value& field::view(const bindings& b, json::value& room) const
{
    try {
        if (whole_) {
            if (const json::value* v = whole_->find_in(b))
                return *v;
        }
    } catch (const expression_error& e) {
        throw fatal(fmt::format("`{}`: {}", name_, e.what()), "bad_expression");
    }
    room = evaluate(b);
    return room;
}

std::string field::source() const
{
    return json::serialize(template_.source());
}

http_request description::request(const field& f, const bindings& b) const
{
    const json::value rendered = f.evaluate(b);
    const auto* o = rendered.if_object();
    if (!o)
        throw fatal(fmt::format("`{}` must be a map with a `url`, not {}", f.name(), json::serialize(rendered)));
    http_request r = read_http_request(*o, f.name());
    r.max_body = max_body;
    return r;
}

bool description::is_end(std::string_view s) const noexcept
{
    return holds(success, s) || holds(failure, s) || holds(cancelled, s);
}

std::optional<std::string> description::end_state(const bindings& b) const
{
    json::value room;
    const json::value& found = state.view(b, room);
    if (!found.is_string())
        throw fatal(
            fmt::format("`state` ({}) must yield a string, and yields {}", state.source(), json::serialize(found)),
            "bad_expression");
    const std::string_view s = found.get_string();
    return is_end(s) ? std::optional<std::string>(s) : std::nullopt;
}

job_result description::result(std::string_view end_state, const bindings& b, const json::value& job) const
{
    job_result r;
    if (holds(success, end_state)) {
        r.output = output ? output->evaluate(b) : job;
        return r;
    }
    r.ended = holds(cancelled, end_state) ? job_result::state::cancelled : job_result::state::failed;
    r.error = fmt::format("the job ended {}", end_state);
    if (error)
        put_error(r, error->evaluate(b));
    return r;
}

description read_description(context& ctx)
{
    const json::object& with = ctx.input();
    description d;
    d.submit = require_field(ctx, "submit");
    if (auto url = ctx.late("submit")->member("url"))
        d.submit_url.emplace("submit.url", std::move(*url));
    d.id = require_field(ctx, "id");
    if (const auto t = ctx.late("find")) {
        d.find = field("find", t->without(beside_find));
        d.find_id = member_field(*t, "find", "id");
    }
    d.status = read_field(ctx, "status");
    d.batch = read_batch(ctx);
    if (!d.status && !d.batch)
        throw fatal("`status` or `batch` must be given: without them nobody knows when the job has ended");
    d.state = require_field(ctx, "state");
    d.output = read_field(ctx, "output");
    d.error = read_field(ctx, "error");
    d.cancel = read_field(ctx, "cancel");
    d.logs = read_field(ctx, "logs");
    d.success = read_states(with, "success");
    d.failure = read_states(with, "failure");
    d.cancelled = read_states(with, "cancelled");
    check_states(d);
    if (const json::value* v = with.if_contains("idempotent"))
        d.idempotent = v->as_bool();
    d.pace = poll_option(with);
    d.request_timeout = time_option(with, "request_timeout", d.request_timeout);
    d.settle = duration_option(with, "settle").value_or(d.settle);
    d.cancel_grace = duration_option(with, "cancel_grace").value_or(d.cancel_grace);
    d.pace_to_the_end = pace_of_an_end(d.pace);
    read_limits(with, d);
    d.state_path = d.state.path_from("job");
    const auto wants_response = [](const std::optional<field>& f) { return f && f->mentions("response"); };
    d.needs_response = d.state.mentions("response") || wants_response(d.output) || wants_response(d.error);
    if (const json::value* v = with.if_contains("max_body"))
        d.max_body = v->to_number<std::size_t>();
    return d;
}

std::optional<std::string> id_text(const json::value& v, std::string_view field_name)
{
    if (v.is_null())
        return std::nullopt;
    if (v.is_number() || (v.is_string() && !v.get_string().empty()))
        return text_of(v);
    throw fatal(fmt::format("`{}` must yield a string or a number, and yields {}", field_name, json::serialize(v)),
                "bad_expression");
}

std::string_view origin_of(std::string_view url)
{
    const auto scheme = url.find("://");
    if (url.starts_with("unix:") || scheme == std::string_view::npos)
        return url.substr(0, url.find(":/", 5));
    return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

std::string server_of(std::string_view url)
{
    const std::string_view origin = origin_of(url);
    const auto scheme = origin.find("://");
    if (origin.starts_with("unix:") || scheme == std::string_view::npos)
        return std::string(origin);
    const auto user = origin.rfind('@');
    std::string server(origin.substr(0, scheme + 3));
    server += origin.substr(user == std::string_view::npos ? scheme + 3 : user + 1);
    std::transform(server.begin(), server.end(), server.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    const std::string_view own_port = server.starts_with("https:") ? ":443" : ":80";
    if (server.ends_with(own_port))
        server.resize(server.size() - own_port.size());
    return server;
}

} // namespace potoo::http_job
