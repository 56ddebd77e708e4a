#include "engine/host/pool_json.hpp"

#include <utility>

namespace potoo::host {

std::vector<pool_state> resized_pools(journal::reader& journal)
{
    std::vector<pool_state> out;
    for (const journal::entry_row& e : journal.entries(pool_entries, {}, 0)) {
        boost::system::error_code ec;
        const json::value v = json::parse(e.value, ec);
        const json::value* slots = !ec && v.is_object() ? v.get_object().if_contains("slots") : nullptr;
        const auto n = slots ? slots->to_number<std::uint32_t>(ec) : 0;
        if (!slots || ec)
            continue;
        pool_state p;
        p.name = e.key;
        p.slots = n;
        p.resized = true;
        out.push_back(std::move(p));
    }
    return out;
}

json::object pool_json(const pool_state& p, const run_sight& sees)
{
    json::array by;
    for (const auto& [run, slots] : p.by) {
        if (!sees || sees(run))
            by.push_back(json::object{{"run", run.value()}, {"slots", slots}});
    }
    return {{"name", p.name}, {"slots", p.slots},     {"declared", p.declared}, {"resized", p.resized},
            {"used", p.used}, {"waiting", p.waiting}, {"by", std::move(by)}};
}

json::array pools_json(const std::vector<pool_state>& pools, const run_sight& sees)
{
    json::array out;
    for (const pool_state& p : pools)
        out.push_back(pool_json(p, sees));
    return out;
}

} // namespace potoo::host
