#include "engine/server/schedules/replay_ledger.hpp"

#include <array>
#include <stdexcept>

namespace potoo::server {

namespace {

constexpr std::array<std::string_view, 4> state_names{"running", "done", "cancelled", "failed"};

std::string text_in(const json::object& o, json::string_view name)
{
    const auto& s = o.at(name).as_string();
    return {s.data(), s.size()};
}

wall_time time_in(const json::object& o, json::string_view name)
{
    const auto t = parse_time(text_in(o, name));
    if (!t)
        throw std::invalid_argument("no time");
    return *t;
}

replay_state state_in(const json::object& o)
{
    const auto name = text_in(o, "state");
    for (std::size_t i = 0; i < state_names.size(); ++i)
        if (state_names[i] == name)
            return static_cast<replay_state>(i);
    throw std::invalid_argument("no state");
}

} // namespace

std::string_view to_string(replay_state s) noexcept
{
    return state_names[static_cast<std::size_t>(s)];
}

json::value to_json(const replay_record& r)
{
    const auto state = to_string(r.row.state);
    return json::object{{"dag", r.row.dag},
                        {"from", format_time(r.row.from)},
                        {"to", format_time(r.row.to)},
                        {"parallel", r.row.parallel},
                        {"who", r.row.who},
                        {"created", format_time(r.row.created)},
                        {"state", json::string_view(state.data(), state.size())},
                        {"runs", r.row.runs},
                        {"begun", r.row.begun},
                        {"succeeded", r.row.succeeded},
                        {"failed", r.row.failed},
                        {"problem", r.row.problem},
                        {"schedule", r.expression},
                        {"timezone", r.timezone},
                        {"done", format_time(r.done)},
                        {"settled", r.settled}};
}

std::optional<replay_record> parse_replay(const std::string& id, const json::value& v)
{
    try {
        const auto& o = v.as_object();
        replay_record r;
        r.row.id = id;
        r.row.dag = text_in(o, "dag");
        r.row.from = time_in(o, "from");
        r.row.to = time_in(o, "to");
        r.row.parallel = o.at("parallel").to_number<std::uint32_t>();
        r.row.who = text_in(o, "who");
        r.row.created = time_in(o, "created");
        r.row.state = state_in(o);
        r.row.runs = o.at("runs").to_number<std::size_t>();
        r.row.begun = o.at("begun").to_number<std::size_t>();
        r.row.succeeded = o.at("succeeded").to_number<std::size_t>();
        r.row.failed = o.at("failed").to_number<std::size_t>();
        r.row.problem = text_in(o, "problem");
        r.expression = text_in(o, "schedule");
        r.timezone = text_in(o, "timezone");
        r.done = time_in(o, "done");
        const auto* settled = o.if_contains("settled");
        r.settled = settled ? settled->as_bool() : r.row.state == replay_state::done;
        return r;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

} // namespace potoo::server
