#include "engine/server/api/call.hpp"
#include "engine/server/api/event_stream.hpp"
#include "engine/server/api/route_groups.hpp"
#include "engine/server/events/event_feed.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

namespace potoo::server {
namespace {

event_feed& feed(const call& c)
{
    return served(c.services().events, "events");
}

std::vector<std::string_view> words_in(std::string_view list)
{
    std::vector<std::string_view> words;
    for (;;) {
        const auto comma = list.find(',');
        words.push_back(list.substr(0, comma));
        if (comma == std::string_view::npos)
            return words;
        list.remove_prefix(comma + 1);
    }
}

/// The words of a parameter, each as `parse` reads it. @throws problem (400)
template <class Parse>
auto listed(const call& c, std::string_view name, Parse parse)
{
    std::vector<std::decay_t<decltype(*parse(std::string_view()))>> values;
    const std::string* given = c.text(name);
    if (!given)
        return values;
    for (const std::string_view word : words_in(*given)) {
        const auto value = parse(word);
        if (!value)
            throw problem(400, "query-invalid", fmt::format("There is no {} '{}' of events.", name, word),
                          {{'?' + std::string(name), fmt::format("'{}' is none; /openapi.json lists them", word), {}}});
        values.push_back(*value);
    }
    return values;
}

event_filter filter_of(const call& c)
{
    event_filter f;
    if (const std::string* run = c.text("run"))
        f.run = c.run_of(*run).id.value();
    if (const std::string* dag = c.text("dag"))
        f.dag = *dag;
    if (const std::string* task = c.text("task"))
        f.task = *task;
    f.states = listed(c, "state", parse_event_state);
    f.types = listed(c, "type", parse_event_type);
    if (c.who.may == role::user)
        f.allowed = [who = c.who](const event_run& r) { return who.sees(r.origin); };
    return f;
}

/// Where to go on: browsers say it in a field of their own when they come again.
std::optional<journal::record_seq> since(const call& c)
{
    const std::string* given = c.request.find("last-event-id");
    if (!given)
        given = c.text("since");
    if (!given)
        return std::nullopt;
    const auto cursor = parse_cursor(*given);
    if (!cursor)
        throw problem(400, "cursor-unknown",
                      "`since` is no cursor: give the `cursor` of a message, or 0 for all there is.");
    return cursor;
}

problem too_many_subscribers(const char* why)
{
    problem p(503, "too-many-subscribers", why);
    p.with("Retry-After", "30");
    return p;
}

std::shared_ptr<subscription> subscribe(const call& c)
{
    try {
        return feed(c).subscribe(filter_of(c), since(c));
    } catch (const std::invalid_argument& e) {
        throw problem(400, "cursor-unknown", e.what());
    } catch (const std::length_error& e) {
        throw too_many_subscribers(e.what());
    }
}

task<web::reply> get_events(call& c)
{
    const std::string* accept = c.request.find("accept");
    const bool as_stream = accept && accept->find("text/event-stream") != std::string::npos;
    if (!c.request.websocket && !as_stream)
        throw problem(406, "stream-wanted",
                      "Events are a WebSocket, or server-sent events with `Accept: text/event-stream`.");
    event_listener listener{subscribe(c), c.services().tokens, c.services().engine.loop(), c.who.token};
    web::reply r;
    if (c.request.websocket) {
        r.talk = [listener = std::move(listener)](web::websocket& socket) { return talk_events(listener, socket); };
        co_return r;
    }
    r.fields.emplace_back("Content-Type", "text/event-stream");
    r.fields.emplace_back("Cache-Control", "no-store");
    r.stream = [listener = std::move(listener)](web::body_writer& out) { return write_events(listener, out); };
    co_return r;
}

} // namespace

std::vector<route> event_routes()
{
    return {{
        .method = "GET",
        .path = "/api/v1/events",
        .operation = "get_events",
        .tag = "events",
        .summary = "Follow what happens",
        .about =
            "Every change of a state, in the order of the journal, as a WebSocket or as server-sent events (`Accept: "
            "text/event-stream`). Each message has a `cursor`; `since` with it goes on behind it, and `since=0` begins "
            "with the oldest that is kept. Progress, properties and warnings are told as they happen, and not again. "
            "Who reads too slowly gets a last message with `end: lagging`, and comes again with its cursor. Users see "
            "their own runs.\n\nBrowsers may give the token as `?access_token=`.",
        .in_query = {{.name = "since", .about = "Cursor to go on from; without it, from now on."},
                     {.name = "run", .about = "Only this run."},
                     {.name = "dag", .about = "Only runs of this DAG."},
                     {.name = "task", .about = "Only tasks of this name."},
                     {.name = "state", .about = "Only changes to one of these states, separated by commas."},
                     {.name = "type", .about = "Only these types of events, separated by commas."}},
        .answers = {{200, "event_message", "Server-sent events, each with such a message", "text/event-stream"},
                    {101, "", "A WebSocket, each text of which is such a message"}},
        .problems = {404, 406, 503},
        .handle = get_events,
        .token_in_query = true,
    }};
}

} // namespace potoo::server
