#include "http_job_endpoint.hpp"

#include "http_job_watch.hpp"

#include <potoo/connection.hpp>
#include <potoo/http_failure.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace potoo::http_job {
namespace {

constexpr std::size_t single_calls = 64;
constexpr std::size_t batch_calls = 8;
constexpr std::size_t most_of_a_page = 100'000;
/// Stands for a job's id in what is rendered for all of them. Nothing else is spelt so.
constexpr std::string_view blank = "potooJobIdStandsHereF27E91C8";

std::vector<http_header> read_headers(const json::value& v)
{
    const auto* o = v.if_object();
    if (!o)
        throw fatal("the connection's `headers` must be a map from names to values");
    std::vector<http_header> headers;
    for (const auto& [name, value] : *o)
        headers.push_back(
            {std::string(name), value.is_string() ? std::string(value.get_string()) : json::serialize(value)});
    return headers;
}

connection_settings read_connection(context& ctx, const description& d)
{
    connection_settings c;
    c.polls = {.page = 0, .concurrency = d.batch ? batch_calls : single_calls, .per_second = 0};
    connection_reader given(ctx, "http_job");
    c.url = given.text("url").value_or("");
    while (c.url.ends_with('/'))
        c.url.pop_back();
    c.server = server_of(c.url);
    if (const json::value* headers = given.value("headers"))
        c.headers = read_headers(*headers);
    given.read_limits(c.requests, c.polls);
    c.polls.page = given.count("page", most_of_a_page).value_or(0);
    given.finish();
    if (d.concurrency)
        c.requests.concurrency = *d.concurrency;
    if (d.per_second)
        c.requests.per_second = *d.per_second;
    return c;
}

std::string text_of(const http_request& r)
{
    std::string text = fmt::format("{} {}\n{}\n{}", r.method, r.url, r.body, r.max_body);
    for (const auto& h : r.headers)
        text += fmt::format("\n{}: {}", h.name, h.value);
    return text;
}

/// What the watcher of a service is told apart by.
std::string name_of(const watcher::limits& l)
{
    return fmt::format("{} {} {}", l.page, l.concurrency, l.per_second);
}

/// What attempts of one task have in common, as far as names of the run or an item do not make them differ.
struct rendered_parts
{
    std::string submit_url;
    http_request status; ///< with the blank for the id
    http_request batch;

    [[nodiscard]] std::string text() const
    {
        return fmt::format("{}\n\n{}\n\n{}", origin_of(submit_url), text_of(status), text_of(batch));
    }
};

/// The rest of `submit` is of no account here, and may be large.
std::string submit_url(const description& d, const connection_settings& c, const bindings& b)
{
    if (d.submit_url) {
        const json::value url = d.submit_url->evaluate(b);
        if (const auto* text = url.if_string())
            return c.whole_url(std::string(*text));
    }
    return c.whole_url(d.request(d.submit, b).url);
}

rendered_parts render(context& ctx, const description& d, const connection_settings& c)
{
    const auto request = [&](const field& f, const bindings& b) {
        http_request r = d.request(f, b);
        c.complete(r);
        return r;
    };
    rendered_parts parts;
    const auto names = ctx.names();
    parts.submit_url = submit_url(d, c, names);
    bindings b(&names);
    const json::value id = json::string(blank);
    const json::value ids = json::array{json::string(blank), "another"};
    b.set("id", id).set("ids", ids);
    if (d.status)
        parts.status = request(*d.status, b);
    if (d.batch)
        parts.batch = request(d.batch->request, b);
    return parts;
}

status_watcher& asker_for(context& ctx, const description& d, const connection_settings& c, const rendered_parts& parts)
{
    potoo::loop& l = ctx.loop();
    watcher::limits lim = c.polls;
    if (!d.batch) {
        lim.page = 1;
        const std::string& url = parts.status.url;
        return ctx.shared<status_watcher>(fmt::format("http_job {} {}", origin_of(url), name_of(lim)), [&] {
            return std::make_unique<status_watcher>(l, "http_job watcher of " + server_of(url), lim);
        });
    }
    // Tasks are asked about together if they would ask the same of any jobs.
    lim.page = lim.page == 0 ? d.batch->limit : std::min(lim.page, d.batch->limit);
    const std::string key = fmt::format("http_job {}\n{}\n{}\n{}\n{}", text_of(parts.batch), d.batch->request.source(),
                                        d.batch->items.source(), d.batch->id.source(), name_of(lim));
    return ctx.shared<batch_watcher>(key, [&] {
        return std::make_unique<batch_watcher>(l, "http_job watcher of " + server_of(parts.batch.url), *d.batch, lim);
    });
}

request_gate& gate_for(context& ctx, const connection_settings& c, const rendered_parts& parts)
{
    const std::string key = fmt::format("http_job requests to {} {} {}", origin_of(parts.submit_url),
                                        c.requests.concurrency, c.requests.per_second);
    return ctx.shared<request_gate>(key, [&] { return std::make_unique<request_gate>(ctx.loop(), c.requests); });
}

/// The id must come in where it stands, and nowhere but in the URL, for the rest to be prepared.
std::shared_ptr<const http_prepared> prepare_status(context& ctx, const description& d, const http_request& sample)
{
    const auto holds_blank = [](std::string_view s) { return s.find(blank) != std::string_view::npos; };
    const bool elsewhere = holds_blank(sample.body) ||
                           std::any_of(sample.headers.begin(), sample.headers.end(),
                                       [&](const auto& h) { return holds_blank(h.name) || holds_blank(h.value); });
    if (!d.status || d.needs_response || elsewhere || !d.status->takes_as_it_is("id"))
        return nullptr;
    return ctx.http().prepare(sample, blank);
}

/// The endpoints that are in use, and the servers that they speak to.
class endpoint_book
{
  public:
    explicit endpoint_book(potoo::loop& l) : pauses(l) {}

    server_pauses pauses;

    std::weak_ptr<const endpoint>& at(const std::string& key)
    {
        if (known_.size() >= purge_at_) {
            std::erase_if(known_, [](const auto& e) { return e.second.expired(); });
            purge_at_ = std::max<std::size_t>(64, known_.size() * 2);
        }
        return known_[key];
    }

  private:
    std::map<std::string, std::weak_ptr<const endpoint>, std::less<>> known_;
    std::size_t purge_at_ = 64;
};

} // namespace

std::string connection_settings::whole_url(std::string given) const
{
    return given.starts_with('/') ? url + given : given;
}

void connection_settings::complete(http_request& r) const
{
    r.url = whole_url(std::move(r.url));
    if (headers.empty() || (!server.empty() && server_of(r.url) != server))
        return;
    for (const auto& h : headers) {
        http_response given;
        given.headers = r.headers;
        if (given.header(h.name).data() == nullptr)
            r.headers.push_back(h);
    }
}

void server_pauses::add(const std::string& server, status_watcher& w)
{
    auto& s = servers_[server];
    if (s.askers.insert(&w).second && s.until > loop_.now())
        w.pause(s.until);
}

void server_pauses::add(const std::string& server, request_gate& g)
{
    auto& s = servers_[server];
    s.gates.insert(&g);
    g.throttle(s.until);
}

void server_pauses::pause(const std::string& server, steady_time until)
{
    auto& s = servers_[server];
    s.until = std::max(s.until, until);
    for (status_watcher* w : s.askers)
        w->pause(until);
    for (request_gate* g : s.gates)
        g->throttle(until);
}

http_request endpoint::request(const field& f, const bindings& b) const
{
    http_request r = what->request(f, b);
    connection.complete(r);
    return r;
}

http_request endpoint::request_about(context& ctx, const field& f, std::string_view id) const
{
    const json::value text = json::string(id);
    const auto names = ctx.names();
    bindings b(&names);
    b.set("id", text);
    return request(f, b);
}

void endpoint::heed(potoo::loop& l, std::string_view url, const http_response& r) const
{
    if (const auto pause = asked_pause(r, l.wall_now()))
        pauses.pause(server_of(url), l.now() + *pause);
}

std::shared_ptr<const endpoint> endpoint_for(context& ctx)
{
    auto d = ctx.shared_by_task<description>([&] { return read_description(ctx); });
    connection_settings c = read_connection(ctx, *d);
    const rendered_parts parts = render(ctx, *d, c);
    auto& book = ctx.shared<endpoint_book>("http_job", [&] { return std::make_unique<endpoint_book>(ctx.loop()); });
    auto& known = book.at(fmt::format("{}\n{}", static_cast<const void*>(d.get()), parts.text()));
    auto e = known.lock();
    if (!e) {
        auto& asker = asker_for(ctx, *d, c, parts);
        auto& gate = gate_for(ctx, c, parts);
        for (const http_request* r : {&parts.status, &parts.batch}) {
            if (!r->url.empty())
                book.pauses.add(server_of(r->url), asker);
        }
        book.pauses.add(server_of(parts.submit_url), gate);
        auto prepared = prepare_status(ctx, *d, parts.status);
        e = std::make_shared<const endpoint>(
            endpoint{std::move(d), std::move(c), asker, gate, book.pauses, std::move(prepared)});
        known = e;
    }
    return e;
}

} // namespace potoo::http_job
