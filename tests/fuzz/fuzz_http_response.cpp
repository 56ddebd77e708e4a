/// Any bytes as what a server sends. Of the first one, the low bits choose the rules of reading, the high ones the size
/// of the pieces in which the rest arrives. However they are cut, the result must be the same.

#include "claim.hpp"

#include "engine/net/response_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace potoo;
using fuzz::claim;

namespace {

struct outcome
{
    std::optional<net::problem> trouble;
    bool done = false;
    bool keep_alive = false;
    http_response response;
};

net::reading_rules rules_of(std::uint8_t options)
{
    net::reading_rules rules;
    rules.max_body = (options & 1) != 0 ? 100 : std::size_t{1} << 20;
    rules.expect_body = (options & 2) == 0;
    rules.decode_gzip = (options & 4) == 0;
    return rules;
}

/// Gives the bytes in pieces, as a connection does.
outcome read(std::string_view bytes, std::size_t piece, const net::reading_rules& rules)
{
    net::response_reader reader(rules);
    outcome o;
    std::string waiting;
    while (!bytes.empty() && !reader.done() && !o.trouble) {
        waiting += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        const auto taken = reader.put(waiting);
        if (!taken) {
            o.trouble = taken.error();
            break;
        }
        claim(*taken <= waiting.size(), "a reader takes no more than it is given");
        waiting.erase(0, *taken);
    }
    if (!reader.done() && !o.trouble) {
        const auto ended = reader.put_end();
        if (!ended)
            o.trouble = ended.error();
    }
    claim(reader.done() != o.trouble.has_value(), "a response is whole, or there is a problem");
    o.done = reader.done();
    if (o.done) {
        o.keep_alive = reader.keep_alive();
        o.response = reader.take();
    }
    return o;
}

void claim_is_sound(const outcome& o, const net::reading_rules& rules)
{
    if (o.trouble) {
        claim(!o.trouble->detail.empty(), "a problem says what it is");
        return;
    }
    claim(o.response.status >= 100 && o.response.status <= 999, "a status has three digits");
    claim(o.response.body.size() <= rules.max_body, "a body is within its limit");
    claim(rules.expect_body || o.response.body.empty(), "the answer to HEAD has no body");
    for (const auto& h : o.response.headers)
        claim(h.value.find_first_of("\r\n") == std::string::npos, "a header is one line", h.value);
    for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1'795'248'000'000}}) {
        const auto pause = o.response.retry_after(wall_time(std::chrono::milliseconds(now)));
        claim(!pause || *pause >= duration::zero(), "Retry-After does not lie in the past");
    }
}

void claim_same(const outcome& a, const outcome& b)
{
    claim(a.done == b.done, "a response does not depend on how it is cut",
          a.trouble   ? a.trouble->detail
          : b.trouble ? b.trouble->detail
                      : "");
    claim(!a.done || (a.response.status == b.response.status && a.response.body == b.response.body &&
                      a.response.headers.size() == b.response.headers.size() && a.keep_alive == b.keep_alive),
          "a response does not depend on how it is cut");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return -1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto rules = rules_of(data[0]);
    const auto whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), rules);
    claim_is_sound(whole, rules);
    claim_same(whole, read(bytes, 1U + (data[0] >> 3U), rules));
    return 0;
}
