#include "engine/server/api/run_start.hpp"

#include "engine/runtime/secret_resolver.hpp"
#include "engine/server/api/run_document.hpp"
#include "engine/text/digest.hpp"

#include <potoo/utf8.hpp>
#include <potoo/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace potoo::server {
namespace {

constexpr const char* kind = "run_key";
constexpr std::size_t longest_key = 200;
constexpr std::size_t keys_at_once = 200;
constexpr auto key_rests = std::chrono::hours(1);

/// A key whose run is about to begin; others who use it wait for that.
class key_hold
{
  public:
    key_hold(api_state& s, std::string key) : state_(s), key_(std::move(key)), done_(std::make_shared<counter>())
    {
        state_.starting.emplace(key_, done_);
    }

    key_hold(const key_hold&) = delete;
    key_hold& operator=(const key_hold&) = delete;

    ~key_hold()
    {
        state_.starting.erase(key_);
        done_->advance_to(1);
    }

  private:
    api_state& state_;
    std::string key_;
    std::shared_ptr<counter> done_;
};

std::optional<journal::run_row> find_run(journal::reader& journal, const std::string& id)
{
    journal::run_filter filter;
    filter.id_prefix = id;
    filter.limit = 1;
    auto found = journal.runs(filter);
    if (found.empty() || found.front().id.value() != id)
        return std::nullopt;
    return std::move(found.front());
}

task<web::reply> run_reply(call& c, unsigned status, run_id id)
{
    auto row = find_run(c.services().journal, id.value());
    if (!row)
        throw problem(500, "run-lost", fmt::format("The run {} is not in the journal.", id.value()));
    const json::object shown = co_await run_document(c, std::move(*row));
    web::reply r = json_reply(status, shown);
    r.fields.emplace_back("Location", c.state.public_url + "/api/v1/runs/" + id.value());
    co_return r;
}

task<run_id> begin(call& c, host::run_request wish)
{
    try {
        auto id = co_await c.services().runs.start(std::move(wish));
        co_return id;
    } catch (const runtime::secret_error& e) {
        throw problem(409, "secret-missing", e.what());
    } catch (const std::invalid_argument& e) {
        throw problem(422, "run-refused", e.what());
    }
}

json::object entry_for(const call& c, const run_id& id, const std::string& request)
{
    return {{"run", id.value()}, {"request", request}, {"at", json::string(format_time(c.now()))}};
}

/// The run that the key stands for; nothing when it never came to be, or is gone.
std::optional<run_id> run_under(call& c, const json::object& kept, const std::string& request)
{
    if (kept.at("request").as_string() != request)
        throw problem(422, "key-used",
                      "The key was used for another request: a request that is sent again is sent unchanged, and a new "
                      "one has a key of its own.");
    const std::string id(kept.at("run").as_string());
    if (find_run(c.services().journal, id))
        return run_id(id);
    // Whoever asked for it first has gone, and it waits for the end of others, say.
    if (c.services().runs.is_under_way(run_id(id)))
        throw problem(409, "run-begins", fmt::format("The run {} of this key begins just now: ask again shortly.", id));
    return std::nullopt;
}

task<web::reply> begin_once(call& c, host::run_request wish, std::string key, std::string request)
{
    wish.id = c.services().engine.make_id();
    runtime::ledger& ledger = c.services().ledger;
    if (const auto kept = ledger.find(kind, key)) {
        const auto before = run_under(c, kept->as_object(), request);
        if (before) {
            auto r = co_await run_reply(c, 200, *before);
            co_return r;
        }
    }
    json::value entry = entry_for(c, wish.id, request);
    co_await ledger.put(kind, key, std::move(entry));
    run_id id = wish.id;
    std::exception_ptr failed;
    try {
        id = co_await begin(c, std::move(wish));
    } catch (const std::exception&) {
        failed = std::current_exception();
    }
    // Whoever stopped waiting may have begun it all the same.
    if (failed && !c.services().runs.is_under_way(id) && !find_run(c.services().journal, id.value()))
        co_await ledger.erase(kind, std::move(key));
    if (failed)
        std::rethrow_exception(failed);
    auto r = co_await run_reply(c, 201, std::move(id));
    co_return r;
}

/// Whether the run of a key is gone, and not just about to begin.
bool is_stale(const api_services& services, const json::value& kept, wall_time now)
{
    const auto at = parse_time(std::string(kept.at("at").as_string()));
    return at && now - *at > key_rests && !find_run(services.journal, std::string(kept.at("run").as_string()));
}

bool is_text(std::string_view s)
{
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    return std::none_of(s.begin(), s.end(), is_control) && is_utf8(s);
}

} // namespace

std::string idempotency_key(const call& c)
{
    const std::string id = c.text_member("id");
    const std::string* field = c.request.find("idempotency-key");
    if (field && !id.empty() && *field != id)
        throw problem(400, "keys-differ", "`id` of the body and the field `Idempotency-Key` differ: send one of them.");
    std::string key = field ? *field : id;
    // As a structured field it is a quoted string.
    if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
        key = key.substr(1, key.size() - 2);
    if (key.size() > longest_key)
        throw problem(400, "key-too-long", fmt::format("A key has at most {} bytes.", longest_key));
    if (!is_text(key))
        throw problem(400, "key-unreadable", "A key is text in UTF-8 without control characters.");
    return key;
}

void refuse_idempotency_key(const call& c, std::string_view instead)
{
    if (c.request.find("idempotency-key"))
        throw problem(400, "key-not-taken", fmt::format("The field `Idempotency-Key` is not taken here. {}", instead));
}

task<web::reply> begin_run(call& c, run_beginning b)
{
    b.wish.origin.key = b.key;
    if (b.key.empty()) {
        auto id = co_await begin(c, std::move(b.wish));
        auto r = co_await run_reply(c, 201, std::move(id));
        co_return r;
    }
    std::string key = c.who.name + '/' + b.key;
    for (auto other = c.state.starting.find(key); other != c.state.starting.end(); other = c.state.starting.find(key)) {
        const std::shared_ptr<counter> begun = other->second;
        co_await begun->reached(1);
    }
    const key_hold held(c.state, key);
    std::string request = text::sha256_hex(b.wish.dag->name + '\n' + json::serialize(b.given));
    auto r = co_await begin_once(c, std::move(b.wish), std::move(key), std::move(request));
    co_return r;
}

task<std::size_t> forget_run_keys(api_services services, wall_time now)
{
    std::size_t gone = 0;
    std::string after;
    for (;;) {
        const auto page = services.ledger.list(kind, after, keys_at_once);
        for (const auto& [key, kept] : page) {
            after = key;
            if (!is_stale(services, kept, now))
                continue;
            co_await services.ledger.erase(kind, key);
            ++gone;
        }
        if (page.size() < keys_at_once)
            co_return gone;
        co_await yield_now();
    }
}

} // namespace potoo::server
