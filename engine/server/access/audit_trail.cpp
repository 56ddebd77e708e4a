#include "engine/server/access/audit_trail.hpp"

#include <potoo/asio.hpp>

#include <fmt/format.h>

#include <exception>
#include <limits>

namespace potoo::server {
namespace {

constexpr const char* kind = "audit";
constexpr std::size_t page = 500;

/// Later times give smaller text, so that the newest is first.
std::string time_part(wall_time at)
{
    return fmt::format("{:016x}", std::numeric_limits<std::int64_t>::max() - at.time_since_epoch().count());
}

} // namespace

struct audit_trail::parts
{
    potoo::loop& loop;
    runtime::ledger& kept_in;
    std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    std::deque<audit_entry> noted;
    bool writing = false;
};

json::object to_json(const audit_entry& e)
{
    json::object out{{"at", json::string(format_time(e.at))},
                     {"who", e.who},
                     {"token", e.token.empty() ? json::value() : json::value(json::string(e.token))},
                     {"from", e.from},
                     {"action", e.action},
                     {"target", e.target},
                     {"status", e.status}};
    if (!e.detail.empty())
        out["detail"] = e.detail;
    return out;
}

audit_trail::audit_trail(potoo::loop& l, runtime::ledger& kept_in) : parts_(std::make_shared<parts>(parts{l, kept_in, {}}))
{}

task<> audit_trail::record(audit_entry e)
{
    co_await write(parts_, std::move(e));
}

void audit_trail::note(audit_entry e)
{
    parts_->noted.push_back(std::move(e));
    if (std::exchange(parts_->writing, true))
        return;
    async_run(parts_->loop, "audit", write_noted(parts_),
              [p = parts_](const std::exception_ptr&) { p->writing = false; });
}

task<> audit_trail::write(std::shared_ptr<parts> p, audit_entry e)
{
    const json::value value = to_json(e);
    bool added = false;
    // Another engine's life may have written in the same millisecond, if the clock was set back.
    while (!added) {
        std::string key = fmt::format("{}{:08x}", time_part(e.at), p->last--);
        added = co_await p->kept_in.insert(kind, std::move(key), value);
    }
}

task<> audit_trail::write_noted(std::shared_ptr<parts> p)
{
    while (!p->noted.empty()) {
        audit_entry e = std::move(p->noted.front());
        p->noted.pop_front();
        co_await write(p, std::move(e));
    }
}

std::vector<std::pair<std::string, json::value>> audit_trail::list(const std::string& after, std::size_t limit)
{
    return parts_->kept_in.list(kind, after, limit);
}

task<std::size_t> audit_trail::forget_before(wall_time t)
{
    std::size_t gone = 0;
    std::string after = time_part(t) + '~';
    for (;;) {
        const auto old = parts_->kept_in.list(kind, after, page);
        for (const auto& [key, value] : old) {
            co_await parts_->kept_in.erase(kind, key);
            after = key;
            ++gone;
        }
        if (old.size() < page)
            co_return gone;
    }
}

} // namespace potoo::server
