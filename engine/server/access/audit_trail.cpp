#include "engine/server/access/audit_trail.hpp"

#include "engine/server/access/short_text.hpp"

#include <potoo/asio.hpp>

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <exception>
#include <limits>
#include <map>

namespace potoo::server {
namespace {

constexpr const char* kind = "audit";
constexpr std::size_t page = 500;
constexpr std::size_t text_bytes = 200; ///< of what others have sent
constexpr std::size_t most_noted = 1'000;
constexpr std::size_t most_tokens = 1'000;

/// Later times give smaller text, so that the newest is first.
std::string time_part(wall_time at)
{
    return fmt::format("{:016x}", std::numeric_limits<std::int64_t>::max() - at.time_since_epoch().count());
}

/// What one token has given to note within a minute.
struct noted_lately
{
    wall_time since{};
    std::size_t noted = 0;
    std::size_t left_out = 0;
};

std::string reason_of(const std::exception_ptr& failed)
{
    try {
        std::rethrow_exception(failed);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "for a reason that is not known";
    }
}

} // namespace

struct audit_trail::parts
{
    parts(potoo::loop& l, runtime::ledger& ledger, std::function<void(std::string_view)> s)
        : loop(l), kept_in(ledger), say(std::move(s))
    {}

    /// Whether it is to be noted: who is refused can ask again and again.
    bool makes_room_for(audit_entry& e)
    {
        if (lately.size() >= most_tokens)
            lately.clear();
        noted_lately& l = lately[e.token];
        if (e.at < l.since || e.at - l.since >= std::chrono::minutes(1)) {
            l.since = e.at;
            l.noted = 0;
        }
        if (l.noted == noted_a_minute || noted.size() >= most_noted) {
            ++l.left_out;
            return false;
        }
        ++l.noted;
        if (const auto before = std::exchange(l.left_out, 0); before > 0)
            e.detail = fmt::format("({} of this token before it are not listed) {}", before, e.detail);
        return true;
    }

    potoo::loop& loop;
    runtime::ledger& kept_in;
    std::function<void(std::string_view)> say;
    std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    std::deque<audit_entry> noted;
    std::map<std::string, noted_lately, std::less<>> lately; ///< by id of the token
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

audit_trail::audit_trail(potoo::loop& l, runtime::ledger& kept_in, std::function<void(std::string_view)> say)
    : parts_(std::make_shared<parts>(l, kept_in, std::move(say)))
{}

task<> audit_trail::record(audit_entry e)
{
    co_await write(parts_, std::move(e));
}

void audit_trail::note(audit_entry e)
{
    if (!parts_->makes_room_for(e))
        return;
    parts_->noted.push_back(std::move(e));
    write_on();
}

void audit_trail::write_on()
{
    if (parts_->noted.empty() || std::exchange(parts_->writing, true))
        return;
    async_run(parts_->loop, "audit", write_noted(parts_), [p = parts_](const std::exception_ptr& failed) {
        p->writing = false;
        if (failed && p->say)
            p->say(fmt::format("{} entries of the audit trail wait, for they cannot be written: {}", p->noted.size(),
                               reason_of(failed)));
    });
}

task<> audit_trail::write(std::shared_ptr<parts> p, audit_entry e)
{
    e.target = shortened(e.target, text_bytes);
    e.detail = shortened(e.detail, text_bytes);
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
        audit_entry e = p->noted.front();
        co_await write(p, std::move(e));
        p->noted.pop_front();
    }
    p->writing = false;
}

std::vector<std::pair<std::string, json::value>> audit_trail::list(const std::string& after, std::size_t limit)
{
    return parts_->kept_in.list(kind, after, limit);
}

task<std::size_t> audit_trail::forget_before(wall_time t)
{
    write_on();
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
