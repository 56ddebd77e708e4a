/// Any bytes as what a client sends to the server. Of the first one, the low bit chooses between a request and frames
/// of a WebSocket, the next the limit of a body, and the high ones the size of the pieces in which the rest arrives.
/// However they are cut, the result must be the same; what is understood must be safe to act upon.

#include "claim.hpp"

#include "engine/text/ascii.hpp"
#include "engine/web/request_reader.hpp"
#include "engine/web/text_check.hpp"
#include "engine/web/websocket_frames.hpp"

#include <potoo/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace potoo;
using fuzz::claim;

namespace {

constexpr std::size_t head_limit = 16'384;

struct outcome
{
    std::vector<web::request> requests;
    std::optional<web::refusal> refused;
};

bool is_among_answers(unsigned status)
{
    for (const unsigned known : {400U, 413U, 414U, 417U, 426U, 431U, 501U, 505U})
        if (status == known)
            return true;
    return false;
}

/// Gives the bytes in pieces, as a connection does, and reads one request after another.
outcome read(std::string_view bytes, std::size_t piece, std::size_t body_limit)
{
    outcome o;
    std::string waiting;
    std::optional<web::request_reader> reader;
    bool allowed = false;
    reader.emplace(head_limit);
    while (!bytes.empty()) {
        waiting += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (bool goes_on = true; goes_on;) {
            const auto taken = reader->put(waiting);
            if (!taken) {
                o.refused = taken.error();
                return o;
            }
            claim(*taken <= waiting.size(), "a reader takes no more than it is given");
            waiting.erase(0, *taken);
            goes_on = *taken > 0;
            if (reader->head_done() && !allowed) {
                allowed = true;
                const auto may = reader->allow_body(body_limit);
                if (!may) {
                    o.refused = may.error();
                    return o;
                }
            }
            if (!reader->done())
                continue;
            const bool more = reader->keep_alive();
            o.requests.push_back(reader->take());
            if (!more)
                return o;
            reader.emplace(head_limit);
            allowed = false;
            goes_on = true;
        }
        claim(waiting.size() <= head_limit + piece, "what waits is within the limit of a head");
    }
    return o;
}

void claim_is_safe(const web::request& r, std::size_t body_limit)
{
    claim(web::is_token(r.method), "a method is a token", r.method);
    claim(r.body.size() <= body_limit, "a body is within its limit");
    claim(r.path.starts_with('/'), "a path begins with a slash", r.path);
    for (const std::string& s : r.segments) {
        claim(!s.empty() && s != "." && s != "..", "no segment leads elsewhere", s);
        claim(s.find_first_of(std::string_view("/\\\0\r\n", 5)) == std::string::npos, "a segment is one name", s);
        claim(is_utf8(s), "a segment is UTF-8", s);
    }
    for (const auto& [name, value] : r.query)
        claim(is_utf8(name) && is_utf8(value), "a query is UTF-8");
    std::size_t lengths = 0;
    std::size_t hosts = 0;
    for (const auto& [name, value] : r.fields) {
        claim(web::is_token(name) && name == text::lower(name), "the name of a field is a token in lower case", name);
        claim(web::is_field_value(value), "a field is one line", value);
        lengths += name == "content-length" || name == "transfer-encoding" ? 1 : 0;
        hosts += name == "host" ? 1 : 0;
    }
    claim(lengths <= 1, "the length of a body is given once");
    claim(hosts <= 1, "the host is named once");
}

void check_requests(std::string_view bytes, std::size_t piece, std::size_t body_limit)
{
    const outcome whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), body_limit);
    for (const web::request& r : whole.requests)
        claim_is_safe(r, body_limit);
    if (whole.refused)
        claim(is_among_answers(whole.refused->status) && !whole.refused->detail.empty(), "a refusal says why");
    const outcome cut = read(bytes, piece, body_limit);
    claim(whole.requests.size() == cut.requests.size(), "requests do not depend on how they are cut");
    for (std::size_t i = 0; i < cut.requests.size(); ++i)
        claim(whole.requests[i].path == cut.requests[i].path && whole.requests[i].body == cut.requests[i].body &&
                  whole.requests[i].fields == cut.requests[i].fields,
              "requests do not depend on how they are cut");
    claim(whole.refused.has_value() == cut.refused.has_value(), "a refusal does not depend on how it is cut",
          whole.refused ? whole.refused->detail
          : cut.refused ? cut.refused->detail
                        : "");
}

std::vector<web::frame_event> read_frames(std::string_view bytes, std::size_t piece)
{
    constexpr std::size_t message_limit = 1'000;
    web::frame_reader reader(message_limit);
    std::vector<web::frame_event> events;
    std::string waiting;
    while (!bytes.empty()) {
        waiting += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            std::size_t used = 0;
            web::frame_event e = reader.next(waiting, used);
            claim(used <= waiting.size(), "a reader takes no more than it is given");
            if (e.what == web::frame_event::kind::nothing)
                break;
            waiting.erase(0, used);
            claim(e.payload.size() <= message_limit, "a message is within its limit");
            claim(e.what != web::frame_event::kind::text || is_utf8(e.payload), "a message is UTF-8");
            events.push_back(std::move(e));
            const auto last = events.back().what;
            if (last == web::frame_event::kind::violation || last == web::frame_event::kind::closed)
                return events;
        }
    }
    return events;
}

void check_frames(std::string_view bytes, std::size_t piece)
{
    const auto whole = read_frames(bytes, std::max<std::size_t>(bytes.size(), 1));
    const auto cut = read_frames(bytes, piece);
    claim(whole.size() == cut.size(), "frames do not depend on how they are cut");
    for (std::size_t i = 0; i < whole.size(); ++i)
        claim(whole[i].what == cut[i].what && whole[i].payload == cut[i].payload && whole[i].code == cut[i].code,
              "frames do not depend on how they are cut");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return -1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = 1U + (data[0] >> 2U);
    if ((data[0] & 1) != 0)
        check_frames(bytes, piece);
    else
        check_requests(bytes, piece, (data[0] & 2) != 0 ? 10 : std::size_t{1} << 20);
    return 0;
}
