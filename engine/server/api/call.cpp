#include "engine/server/api/call.hpp"

#include "engine/graph/spelling.hpp"
#include "engine/runtime/run_origin.hpp"
#include "engine/server/access/short_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <vector>

namespace potoo::server {
namespace {

constexpr std::size_t shown_bytes = 200; ///< of a text that was sent, where it is repeated

template <class Number>
std::optional<Number> number_of(std::string_view text)
{
    Number n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return n;
}

problem no_such_run(std::string_view id)
{
    return problem(404, "run-unknown",
                   fmt::format("There is no run {} here that you may see; GET /api/v1/runs lists them.", id));
}

problem no_such_task(const journal::run_row& run, const journal::dag_document& dag, const std::string& name,
                     unsigned status)
{
    const std::vector<std::string_view> names(dag.tasks.begin(), dag.tasks.end());
    const auto nearest = graph::nearest_spelling(name, names);
    return problem(
        status, "task-unknown",
        fmt::format("The run {} of {} has no task '{}'{}", run.id.value(), dag.name, shortened(name, shown_bytes),
                    nearest.empty() ? "; its `tasks` lists them." : fmt::format("; did you mean {}?", nearest)));
}

} // namespace

std::uint32_t call::number_in_path(std::string_view name) const
{
    const std::string& text = in_path(name);
    const auto n = number_of<std::uint32_t>(text);
    if (!n)
        throw problem(404, fmt::format("{}-unknown", name),
                      fmt::format("'{}' is no position of an {}: they are numbers from 0.", text, name));
    return *n;
}

std::optional<std::uint64_t> call::whole(std::string_view name) const
{
    const std::string* given = text(name);
    return given ? number_of<std::uint64_t>(*given) : std::nullopt;
}

bool call::flag(std::string_view name) const
{
    const std::string* given = text(name);
    return given && *given == "true";
}

std::optional<wall_time> call::instant(std::string_view name) const
{
    const std::string* given = text(name);
    return given ? parse_time(*given) : std::nullopt;
}

std::size_t call::limit() const
{
    return static_cast<std::size_t>(whole("limit").value_or(usual_limit));
}

const json::value* call::member(std::string_view name) const
{
    const json::object* o = body.if_object();
    const json::value* v = o ? o->if_contains(name) : nullptr;
    return v && !v->is_null() ? v : nullptr;
}

std::string call::text_member(std::string_view name) const
{
    const json::value* v = member(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

journal::run_row call::run() const
{
    return run_of(in_path("run"));
}

journal::run_row call::run_of(const std::string& id) const
{
    journal::run_filter filter;
    filter.id_prefix = id;
    filter.limit = 1;
    // A prefix of an id is shorter than it, and no two ids are of different lengths.
    const auto found = state.services.journal.runs(filter);
    if (found.empty() || found.front().id.value() != id)
        throw no_such_run(id);
    if (!who.sees(runtime::parse_run_origin(found.front().origin)))
        throw no_such_run(id);
    return found.front();
}

task_index call::task(const journal::run_row& run) const
{
    return task_of(run, in_path("task"), 404);
}

task_index call::task_of(const journal::run_row& run, const std::string& name, unsigned status) const
{
    const auto dag = state.services.journal.dag_of(run.number);
    const auto found = std::find(dag.tasks.begin(), dag.tasks.end(), name);
    if (found != dag.tasks.end())
        return task_index(static_cast<std::uint32_t>(found - dag.tasks.begin()));
    throw no_such_task(run, dag, name, status);
}

void call::check_tasks(const journal::run_row& run, const std::vector<std::string>& names) const
{
    if (names.empty())
        return;
    const auto dag = state.services.journal.dag_of(run.number);
    const std::set<std::string_view> known(dag.tasks.begin(), dag.tasks.end());
    for (const std::string& name : names)
        if (!known.contains(name))
            throw no_such_task(run, dag, name, 422);
}

host::run_sight sight_of(const call& c)
{
    if (c.who.may != role::user)
        return {};
    return [&c](const run_id& id) {
        journal::run_filter filter;
        filter.id_prefix = id.value();
        filter.limit = 1;
        filter.origin_who = c.who.name;
        return !c.services().journal.runs(filter).empty();
    };
}

parameter limit_parameter()
{
    return {.name = "limit",
            .about = "Most items of the page; 100 without it.",
            .kind = value_kind::whole,
            .least = 1,
            .most = largest_limit};
}

parameter cursor_parameter()
{
    return {.name = "cursor", .about = "`next` of the page before."};
}

web::reply json_reply(unsigned status, const json::value& document)
{
    web::reply r;
    r.status = status;
    r.fields.emplace_back("Content-Type", "application/json");
    r.body = json::serialize(document) + '\n';
    return r;
}

web::reply list_reply(json::array items, const std::string& next)
{
    json::object document;
    document["items"] = std::move(items);
    document["next"] = next.empty() ? json::value() : json::value(json::string(next));
    return json_reply(200, document);
}

problem bad_cursor()
{
    return problem(400, "cursor-unknown", "`cursor` is not the `next` of a page before: leave it out to begin anew.");
}

std::optional<std::uint64_t> cursor_number(const call& c)
{
    const std::string* given = c.text("cursor");
    if (!given)
        return std::nullopt;
    const auto n = number_of<std::uint64_t>(*given);
    if (!n || *n > std::numeric_limits<std::uint32_t>::max())
        throw bad_cursor();
    return n;
}

web::reply request_reply(const host::request_result& r)
{
    using kind = host::request_result::kind;
    if (r.what == kind::unknown)
        throw problem(404, "unknown", r.text);
    if (r.what == kind::conflict)
        throw problem(409, "conflict", r.text);
    if (r.what == kind::ended)
        throw problem(409, "ended", r.text);
    if (r.what == kind::invalid)
        throw problem(409, "not-now", r.text);
    json::object out{{"result", json::string(to_string(r.what))}, {"run", r.run.value()}, {"carried", r.carried}};
    if (!r.text.empty())
        out["text"] = r.text;
    return json_reply(r.what == kind::accepted ? 202 : 200, out);
}

} // namespace potoo::server
