#include "engine/net/http_client_beast.hpp"

#include "engine/net/connection_pool.hpp"
#include "engine/net/connector.hpp"
#include "engine/net/redirect.hpp"
#include "engine/net/request_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace potoo::net {
namespace {

// Pools of origins that nobody asks any more are dropped when there are more than this.
constexpr std::size_t many_origins = 64;

struct origin
{
    origin(route r, std::size_t limit) : where(std::move(r)), pool(limit) {}

    route where;
    connection_pool pool;
};

bool is_idempotent(std::string_view method) noexcept
{
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

/// An exchange on a connection that had been idle failed because the other side had closed it meanwhile, and to do it
/// again cannot do its work twice in a way that matters.
bool may_repeat(const connection& c, const problem& p, std::string_view method) noexcept
{
    if (p.code == http_error::not_sent)
        return true;
    return p.code == http_error::connection_lost && !c.answered() && is_idempotent(method);
}

/// An earlier request of a chain of redirects was acted upon, whatever became of the last one.
http_error after_action(http_error code) noexcept
{
    if (code == http_error::timed_out_before_send)
        return http_error::timed_out;
    return surely_not_sent(code) ? http_error::connection_lost : code;
}

/// The head of a request in pieces, between which the word goes in.
struct prepared_head final : http_prepared
{
    std::shared_ptr<origin> to;
    std::vector<std::string> pieces;
    reading_rules rules;
    bool keep_alive = true;
    std::string shown; ///< the origin, for messages
};

/// What means the same in a URL however it is written.
bool is_plain(std::string_view word) noexcept
{
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

} // namespace

class beast_http_client::core final : private timer_node
{
  public:
    core(loop& l, http_options options, proxy_settings proxies, duration keeping)
        : loop_(l), options_(std::move(options)), proxies_(std::move(proxies)), keeping_(keeping),
          connector_(l, options_)
    {
        options_.connections_per_origin = std::max<std::size_t>(options_.connections_per_origin, 1);
    }

    ~core();

    task<boost::system::result<http_response>> run(http_request request);

    std::shared_ptr<const http_prepared> prepare(const http_request& pattern, std::string_view blank);
    bool ask(http_ask& question);

    void close_unused_since(steady_time time);

    [[nodiscard]] std::size_t opened() const noexcept;

    [[nodiscard]] std::size_t clients() const noexcept;

    /// Nothing is under way, kept open or prepared, here and in the siblings, and nobody has asked since `time`.
    [[nodiscard]] bool unused_since(steady_time time) const;

    [[nodiscard]] const http_options& options() const noexcept { return options_; }

    /// The client with these options, that has the rest in common with this one.
    http_client& sibling(const http_options& options);

    void close_unused();

    std::string last_detail;

  private:
    class carried_ask;

    /// Somebody sends.
    class use
    {
      public:
        explicit use(core& c) noexcept : core_(c) { ++core_.uses_; }

        use(const use&) = delete;
        use& operator=(const use&) = delete;

        ~use()
        {
            --core_.uses_;
            core_.used_ = core_.loop_.now();
        }

      private:
        core& core_;
    };

    void drop_unused_siblings();
    task<or_problem<http_response>> exchange(const http_request& request, const url& to);
    task<or_problem<http_response>> exchange_on(origin& o, const http_request& request, std::string_view head,
                                                head_traits traits);
    or_problem<std::shared_ptr<origin>> origin_of(const url& to);
    boost::system::error_code fail(http_error code, const problem& p, const url* to);
    void drop_deserted();
    void keep(lease& l);
    void on_due() override;

    loop& loop_;
    http_options options_;
    proxy_settings proxies_;
    duration keeping_;
    connector connector_;
    url_reader urls_;
    std::unordered_map<std::string, std::shared_ptr<origin>> origins_;
    carried_ask* carried_ = nullptr; ///< exchanges under way that were begun by `ask`
    std::string bytes_;              ///< of the request that is being sent
    std::map<http_options, std::unique_ptr<beast_http_client>> siblings_;
    std::size_t opened_by_dropped_ = 0; ///< connections, by siblings that are gone
    std::size_t uses_ = 0;
    steady_time used_ = steady_time::min(); ///< last
};

/// An exchange under way that was begun by `ask`. Owned by itself until its end.
class beast_http_client::core::carried_ask final : public http_ask::carrier,
                                                   public potoo::detail::slab_allocated,
                                                   private exchange_listener
{
  public:
    carried_ask(core& c, const prepared_head& what, http_ask& question)
        : core_(c), what_(what), question_(question), lease_(what.to->pool),
          reader_(what.rules, std::move(question.response)), next_(std::exchange(c.carried_, this))
    {
        if (next_)
            next_->previous_ = this;
    }

    carried_ask(const carried_ask&) = delete;
    carried_ask& operator=(const carried_ask&) = delete;

    ~carried_ask()
    {
        (previous_ ? previous_->next_ : core_.carried_) = next_;
        if (next_)
            next_->previous_ = previous_;
    }

    [[nodiscard]] bool begin(std::string_view bytes)
    {
        if (!lease_.take_idle() || !lease_.connection->in_the_clear())
            return false;
        lease_.connection->limit(question_.deadline);
        if (!lease_.connection->begin_exchange(bytes, reader_, *this))
            return false;
        question_.carried_by(*this);
        return true;
    }

    void abandon() noexcept override { delete this; }

  private:
    void on_exchanged() noexcept override
    {
        http_ask& question = question_;
        const auto& failure = lease_.connection->failure();
        if (failure) {
            question.error = failure->code;
            core_.last_detail = fmt::format("{}: {}", what_.shown, failure->detail);
        } else {
            question.response = reader_.take();
            if (lease_.connection->reusable() && what_.keep_alive)
                core_.keep(lease_);
        }
        delete this;
        question.finish();
    }

    core& core_;
    const prepared_head& what_;
    http_ask& question_;
    lease lease_;
    response_reader reader_;
    carried_ask* next_;
    carried_ask* previous_ = nullptr;
};

beast_http_client::core::~core()
{
    assert(carried_ == nullptr && "a client outlives what it was asked");
    loop_.disarm(*this);
}

std::shared_ptr<const http_prepared> beast_http_client::core::prepare(const http_request& pattern,
                                                                      std::string_view blank)
{
    auto to = urls_.parse(pattern.url);
    if (!to || to->transport == transport::tls || !pattern.body.empty() || pattern.max_redirects > 0 ||
        pattern.body_sink)
        return nullptr;
    const auto holds_blank = [&](std::string_view s) { return s.find(blank) != std::string_view::npos; };
    if (holds_blank(to->host) || holds_blank(to->userinfo) || !holds_blank(to->target))
        return nullptr;
    const auto found = origin_of(*to);
    if (!found)
        return nullptr;
    head_extras extras;
    const auto& via = (*found)->where.via;
    if (via && to->transport == transport::tcp)
        extras = {true, via->authorization};
    std::string head;
    const auto traits = write_head(pattern, *to, extras, head);
    if (!traits)
        return nullptr;
    auto made = std::make_shared<prepared_head>();
    made->to = *found;
    made->shown = to->origin();
    made->keep_alive = traits->keep_alive;
    made->rules.max_body = pattern.max_body;
    made->rules.expect_body = pattern.method != "HEAD";
    made->rules.decode_gzip = traits->decode_gzip;
    made->rules.all_headers = false;
    std::string_view rest = head;
    for (std::size_t at = rest.find(blank); at != std::string_view::npos; at = rest.find(blank)) {
        made->pieces.emplace_back(rest.substr(0, at));
        rest.remove_prefix(at + blank.size());
    }
    made->pieces.emplace_back(rest);
    return made;
}

bool beast_http_client::core::ask(http_ask& question)
{
    const auto& what = static_cast<const prepared_head&>(question.prepared);
    if (!is_plain(question.word) || question.deadline <= question.begun || !what.to->pool.try_acquire())
        return false;
    bytes_.clear();
    for (const std::string& piece : what.pieces) {
        if (!bytes_.empty())
            bytes_.append(question.word);
        bytes_.append(piece);
    }
    auto carried = std::make_unique<carried_ask>(*this, what, question);
    if (!carried->begin(bytes_))
        return false;
    // It deletes itself at its end.
    [[maybe_unused]] const carried_ask* its_own = carried.release();
    return true;
}

boost::system::error_code beast_http_client::core::fail(http_error code, const problem& p, const url* to)
{
    last_detail = to ? fmt::format("{}: {}", to->origin(), p.detail) : p.detail;
    return code;
}

task<boost::system::result<http_response>> beast_http_client::core::run(http_request request)
{
    const use mine(*this);
    auto parsed = urls_.parse(request.url);
    if (!parsed)
        co_return fail(http_error::bad_url, parsed.error(), nullptr);
    url to = std::move(*parsed);
    bool acted = false;
    for (unsigned hops = 0;; ++hops) {
        auto response = co_await exchange(request, to);
        if (!response)
            co_return fail(acted ? after_action(response.error().code) : response.error().code, response.error(), &to);
        if (request.max_redirects == 0)
            co_return std::move(*response);
        auto next = redirect_target(*response, to);
        if (!next)
            co_return fail(next.error().code, next.error(), &to);
        if (!*next)
            co_return std::move(*response);
        if (hops == request.max_redirects) {
            const problem p(http_error::too_many_redirects,
                            fmt::format("more than {} redirects", request.max_redirects));
            co_return fail(p.code, p, &to);
        }
        acted |= !redirect_leaves_work_undone(response->status);
        redirect_request(request, response->status, to, **next);
        to = std::move(**next);
    }
}

or_problem<std::shared_ptr<origin>> beast_http_client::core::origin_of(const url& to)
{
    const std::string key = to.origin();
    const auto known = origins_.find(key);
    if (known != origins_.end())
        return known->second;
    auto via = proxy_for(to, proxies_);
    if (!via)
        return via.error();
    if (origins_.size() >= many_origins)
        drop_deserted();
    auto made = std::make_shared<origin>(route{to, std::move(*via)}, options_.connections_per_origin);
    return origins_.emplace(key, std::move(made)).first->second;
}

void beast_http_client::core::drop_deserted()
{
    std::erase_if(origins_,
                  [](const auto& entry) { return entry.second.use_count() == 1 && entry.second->pool.deserted(); });
}

task<or_problem<http_response>> beast_http_client::core::exchange(const http_request& request, const url& to)
{
    if (request.deadline <= loop_.now())
        co_return problem(http_error::timed_out_before_send, "the deadline had passed before the request began");
    const auto found = origin_of(to);
    if (!found)
        co_return found.error();
    origin& o = **found;
    const auto& via = o.where.via;
    head_extras extras;
    if (via && to.transport == transport::tcp)
        extras = {true, via->authorization};
    std::string head;
    const auto traits = write_head(request, to, extras, head);
    if (!traits)
        co_return traits.error();
    const bool granted = co_await o.pool.acquire(request.deadline);
    if (!granted)
        co_return problem(http_error::timed_out_before_send, "the deadline passed while waiting for a free connection");
    auto response = co_await exchange_on(o, request, head, *traits);
    co_return response;
}

task<or_problem<http_response>> beast_http_client::core::exchange_on(origin& o, const http_request& request,
                                                                     std::string_view head, head_traits traits)
{
    lease l(o.pool);
    reading_rules rules;
    rules.max_body = request.max_body;
    rules.expect_body = request.method != "HEAD";
    rules.decode_gzip = traits.decode_gzip;
    rules.sink = &request.body_sink;
    bool reused = l.take_idle();
    for (;; reused = false) {
        if (!reused) {
            auto opened = co_await connector_.open(o.where, request.deadline);
            if (!opened)
                co_return opened.error();
            l.connection = std::move(*opened);
        }
        l.connection->limit(request.deadline);
        auto response = co_await l.connection->exchange(head, request.body, rules);
        if (response && l.connection->reusable() && traits.keep_alive)
            keep(l);
        if (response || !reused || !may_repeat(*l.connection, response.error(), request.method))
            co_return response;
        l.connection.reset();
    }
}

void beast_http_client::core::keep(lease& l)
{
    const steady_time now = loop_.now();
    l.connection->limit(steady_time::max());
    l.put_back(now);
    if (!armed())
        loop_.arm(*this, now + options_.idle_timeout);
}

void beast_http_client::core::on_due()
{
    close_unused_since(loop_.now() - options_.idle_timeout);
}

void beast_http_client::core::close_unused_since(steady_time time)
{
    steady_time oldest = steady_time::max();
    for (auto& [key, o] : origins_) {
        o->pool.close_unused_since(time);
        oldest = std::min(oldest, o->pool.unused_since());
    }
    if (oldest == steady_time::max())
        loop_.disarm(*this);
    else
        loop_.arm(*this, oldest + options_.idle_timeout);
}

void beast_http_client::core::close_unused()
{
    close_unused_since(steady_time::max());
    for (const auto& [options, sibling] : siblings_)
        sibling->close_unused();
}

std::size_t beast_http_client::core::opened() const noexcept
{
    std::size_t n = connector_.opened() + opened_by_dropped_;
    for (const auto& [options, sibling] : siblings_)
        n += sibling->connections_opened();
    return n;
}

http_client& beast_http_client::core::sibling(const http_options& options)
{
    auto known = siblings_.find(options);
    if (known == siblings_.end()) {
        drop_unused_siblings();
        auto made = std::make_unique<beast_http_client>(loop_, options, proxies_, keeping_);
        known = siblings_.emplace(options, std::move(made)).first;
    }
    known->second->core_->used_ = loop_.now();
    return *known->second;
}

bool beast_http_client::core::unused_since(steady_time time) const
{
    const bool quiet = std::all_of(origins_.begin(), origins_.end(), [](const auto& entry) {
        return entry.second.use_count() == 1 && entry.second->pool.deserted();
    });
    return quiet && uses_ == 0 && used_ <= time &&
           std::all_of(siblings_.begin(), siblings_.end(),
                       [time](const auto& entry) { return entry.second->core_->unused_since(time); });
}

/// Credentials are part of the options: every renewal of a certificate makes a client that nobody uses any more.
void beast_http_client::core::drop_unused_siblings()
{
    const steady_time long_ago = loop_.now() - keeping_;
    for (auto at = siblings_.begin(); at != siblings_.end();) {
        const bool gone = at->second->core_->unused_since(long_ago);
        opened_by_dropped_ += gone ? at->second->connections_opened() : 0;
        at = gone ? siblings_.erase(at) : std::next(at);
    }
}

std::size_t beast_http_client::core::clients() const noexcept
{
    std::size_t n = 1;
    for (const auto& [options, sibling] : siblings_)
        n += sibling->clients();
    return n;
}

beast_http_client::beast_http_client(loop& l, http_options options, proxy_settings proxies, duration keeping)
    : core_(std::make_unique<core>(l, std::move(options), std::move(proxies), keeping))
{}

beast_http_client::~beast_http_client() = default;

task<boost::system::result<http_response>> beast_http_client::send(http_request request)
{
    return core_->run(std::move(request));
}

std::shared_ptr<const http_prepared> beast_http_client::prepare(const http_request& pattern, std::string_view blank)
{
    return core_->prepare(pattern, blank);
}

bool beast_http_client::ask(http_ask& question)
{
    return core_->ask(question);
}

http_client& beast_http_client::with(const http_options& options)
{
    if (options == core_->options())
        return *this;
    return core_->sibling(options);
}

std::size_t beast_http_client::connections_opened() const noexcept
{
    return core_->opened();
}

std::size_t beast_http_client::clients() const noexcept
{
    return core_->clients();
}

const std::string& beast_http_client::last_error_detail() const noexcept
{
    return core_->last_detail;
}

void beast_http_client::close_unused()
{
    core_->close_unused();
}

} // namespace potoo::net
