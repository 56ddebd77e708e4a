#include "engine/cli/run_json.hpp"

namespace potoo::cli {

namespace {

json::string_view sv(std::string_view text)
{
    return {text.data(), text.size()};
}

void put_times(json::object& out, const std::optional<wall_time>& started, const std::optional<wall_time>& ended)
{
    if (started)
        out["started"] = format_time(*started);
    if (ended)
        out["ended"] = format_time(*ended);
}

} // namespace

json::value recorded_json(const std::string& data)
{
    if (data.empty())
        return nullptr;
    boost::system::error_code ec;
    json::value parsed = json::parse(data, ec);
    return ec ? json::value(sv(data)) : parsed;
}

json::object run_json(const journal::run_row& r)
{
    json::object out{{"run", r.id.value()},
                     {"dag", r.dag_name},
                     {"state", sv(to_string(r.state))},
                     {"params", recorded_json(r.params)},
                     {"created", format_time(r.created)}};
    put_times(out, r.started, r.ended);
    return out;
}

json::object task_json(const journal::task_row& t)
{
    json::object out{{"task", t.name}, {"state", sv(to_string(t.state))}, {"items", t.items}};
    json::object counts;
    for (std::size_t s = 1; s < journal::recorded_state_count; ++s)
        if (t.counts[s] > 0)
            counts[sv(to_string(static_cast<journal::recorded_state>(s)))] = t.counts[s];
    out["counts"] = std::move(counts);
    out["attempts"] = t.attempts;
    put_times(out, t.started, t.ended);
    if (!t.output.empty())
        out["output"] = recorded_json(t.output);
    if (!t.error.empty())
        out["error"] = recorded_json(t.error);
    return out;
}

} // namespace potoo::cli
