#include "network.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace potoo::sim {
namespace {

constexpr std::array<std::string_view, fate_count> fate_names{
    "good", "not_sent", "lost_request", "lost_response", "late",    "hang",
    "slow", "throttle", "server_error", "gateway_error", "garbage", "duplicate"};

constexpr duration fastest_way{1};
constexpr duration slowest_way{80};

std::string token_of(const http_request& r)
{
    const auto found = std::find_if(r.headers.begin(), r.headers.end(),
                                    [](const http_header& h) { return h.name == "Idempotency-Key"; });
    return found == r.headers.end() ? std::string() : found->value;
}

bool is_submission(const http_request& r)
{
    return r.method == "POST" && r.url.ends_with("/jobs");
}

http_response refusal(unsigned status)
{
    http_response r;
    r.status = status;
    r.body = R"({"title": "not now"})";
    return r;
}

} // namespace

std::string_view to_string(fate f) noexcept
{
    return fate_names[static_cast<std::size_t>(f)];
}

network::network(const scenario& s, event_queue& events, trace& log, std::vector<std::unique_ptr<service>>& services)
    : scenario_(s), events_(events), trace_(log), services_(services), random_(s.seed, "network"),
      connections_(s.seed, "connections")
{}

void network::begin(errand& e)
{
    e.id_ = next_++;
    waiting_.emplace(e.id_, &e);
    const http_request& r = e.request_;
    const std::string host = r.url.substr(7, r.url.find('/', 7) - 7);
    const auto to =
        std::find_if(services_.begin(), services_.end(), [&](const auto& s) { return s->plan().name == host; });
    if (to == services_.end())
        throw std::logic_error("no service has the address " + r.url);
    const auto place = static_cast<std::size_t>(to - services_.begin());
    const fate f = draw_fate(place);
    ++fates_[static_cast<std::size_t>(f)];
    trace_.note("  -> {} {} {}{}", r.method, r.url, token_of(r),
                f == fate::good ? "" : fmt::format(" ({})", to_string(f)));
    if (is_submission(r) && on_submit_)
        on_submit_(token_of(r));
    if (r.deadline != steady_time::max())
        events_.at(r.deadline, [this, id = e.id_] { answer(id, http_error::timed_out); });
    carry_out(f, e.id_, r, place);
}

void network::abandon(errand& e) noexcept
{
    waiting_.erase(e.id_);
    give_up(e.id_);
}

bool network::exchange::start()
{
    network_.begin(*this);
    return true;
}

bool network::exchange::withdraw() noexcept
{
    network_.abandon(*this);
    return true;
}

void network::exchange::answered(boost::system::result<http_response> r, bool at_once)
{
    result_ = std::move(r);
    if (at_once)
        complete_now();
    else
        complete();
}

/// Owned by itself until its end.
class network::carried_ask final : public http_ask::carrier, private errand
{
  public:
    carried_ask(network& n, http_request r, http_ask& question) : errand(n, std::move(r)), question_(question)
    {
        network_.begin(*this);
        question_.carried_by(*this);
    }

    void abandon() noexcept override
    {
        network_.abandon(*this);
        delete this;
    }

  private:
    void answered(boost::system::result<http_response> r, bool) override
    {
        http_ask& question = question_;
        delete this;
        if (r) {
            std::erase_if(r->headers, [](const http_header& h) { return h.name != "Retry-After"; });
            question.response = std::move(*r);
        } else {
            question.error = r.error();
        }
        question.finish();
    }

    http_ask& question_;
};

/// A request with a gap.
class prepared_request final : public http_prepared
{
  public:
    prepared_request(const http_request& pattern, std::string_view blank) : pattern_(pattern), blank_(blank) {}

    [[nodiscard]] http_request with(std::string_view word) const
    {
        http_request r = pattern_;
        for (std::size_t at = r.url.find(blank_); at != std::string::npos; at = r.url.find(blank_, at + word.size()))
            r.url.replace(at, blank_.size(), word);
        return r;
    }

  private:
    http_request pattern_;
    std::string blank_;
};

std::shared_ptr<const http_prepared> network::client::prepare(const http_request& pattern, std::string_view blank)
{
    if (!pattern.body.empty() || pattern.max_redirects > 0 || pattern.url.find(blank) == std::string::npos)
        return nullptr;
    return std::make_shared<prepared_request>(pattern, blank);
}

bool network::client::ask(http_ask& question)
{
    if (question.deadline <= question.begun || network_.connections_.chance(0.1))
        return false;
    http_request r = static_cast<const prepared_request&>(question.prepared).with(question.word);
    r.deadline = question.deadline;
    // It owns itself.
    static_cast<void>(new carried_ask(network_, std::move(r), question));
    return true;
}

task<boost::system::result<http_response>> network::client::send(http_request request)
{
    exchange e(network_, std::move(request));
    auto result = co_await e;
    co_return result;
}

fate network::storm_fate(weather w)
{
    switch (w) {
    case weather::throttling:
    case weather::throttling_rudely:
        return fate::throttle;
    case weather::failing:
        return random_.chance(0.5) ? fate::server_error : fate::gateway_error;
    case weather::unreachable:
        return fate::not_sent;
    case weather::silent:
        return fate::hang;
    case weather::losing_connections:
        return std::array{fate::lost_request, fate::lost_response, fate::late}[random_.below(3)];
    }
    return fate::good;
}

fate network::draw_fate(std::size_t to)
{
    const double drawn = random_.fraction();
    const double in_storm = random_.fraction();
    if (calm())
        return fate::good;
    const duration now = events_.elapsed();
    for (const storm& s : scenario_.storms) {
        if (s.service == to && now >= s.from && now < s.to && in_storm < 0.9)
            return storm_fate(s.kind);
    }
    const fault_rates& r = scenario_.faults;
    const std::array<std::pair<fate, double>, fate_count - 1> rates{{{fate::not_sent, r.not_sent},
                                                                     {fate::lost_request, r.lost_request},
                                                                     {fate::lost_response, r.lost_response},
                                                                     {fate::late, r.late},
                                                                     {fate::hang, r.hang},
                                                                     {fate::slow, r.slow},
                                                                     {fate::throttle, r.throttle},
                                                                     {fate::server_error, r.server_error},
                                                                     {fate::gateway_error, r.gateway_error},
                                                                     {fate::garbage, r.garbage},
                                                                     {fate::duplicate, r.duplicate}}};
    double sum = 0;
    for (const auto& [f, rate] : rates) {
        sum += rate;
        if (drawn < sum)
            return f;
    }
    return fate::good;
}

treatment network::draw_treatment()
{
    treatment t;
    const bool stale = random_.chance(scenario_.faults.stale);
    const bool deny = random_.chance(scenario_.faults.unknown_id);
    const duration behind = random_.between(duration(1), duration(4'000));
    if (calm())
        return t;
    if (stale)
        t.behind = behind;
    t.deny = deny;
    deceptions_ += stale || deny ? 1 : 0;
    return t;
}

void network::launch(flight_id exchange_id, const http_request& r, std::size_t to, steady_time effect, fate f)
{
    const flight_id id = next_++;
    flight x;
    x.request = r;
    x.service = to;
    x.effect = effect;
    x.answer_takes = random_.between(fastest_way, slowest_way);
    x.how = draw_treatment();
    x.waiting = exchange_id;
    x.garbled = f == fate::garbage;
    x.status_instead = f == fate::gateway_error ? (random_.chance(0.5) ? 502 : 504) : 0;
    flights_.emplace(id, std::move(x));
    events_.at(effect, [this, id] { take_effect(id); });
}

void network::carry_out(fate f, flight_id id, const http_request& r, std::size_t to)
{
    const duration way = random_.between(fastest_way, slowest_way);
    const duration back = random_.between(fastest_way, slowest_way);
    const steady_time arrives = events_.now() + way;
    const double pick = random_.fraction();
    switch (f) {
    case fate::good:
    case fate::garbage:
        launch(id, r, to, arrives, f);
        if (twice_ && is_submission(r))
            launch(0, r, to, arrives + back, f);
        return;
    case fate::not_sent:
        answer_after(id, way, pick < 0.5 ? http_error::connect_failed : http_error::resolve_failed);
        return;
    case fate::lost_request:
        if (pick < 0.5)
            answer_after(id, way + back, http_error::connection_lost);
        return;
    case fate::lost_response:
        launch(0, r, to, arrives, f);
        answer_after(id, way + back, http_error::connection_lost);
        flights_.rbegin()->second.given_up = arrives + back;
        return;
    case fate::late:
        answer_after(id, way, http_error::connection_lost);
        launch(0, r, to, arrives + random_.any_magnitude(duration(1), settle_ - duration(1)), f);
        flights_.rbegin()->second.given_up = arrives;
        return;
    case fate::hang:
        launch(0, r, to, arrives, f);
        return;
    case fate::slow:
        launch(id, r, to, arrives + random_.any_magnitude(duration(100), scenario_.machine.request_timeout * 2), f);
        return;
    case fate::throttle: {
        http_response refused = refusal(429);
        const bool rude = std::any_of(scenario_.storms.begin(), scenario_.storms.end(), [&](const storm& s) {
            return s.service == to && s.kind == weather::throttling_rudely;
        });
        if (!rude)
            refused.headers.push_back({"Retry-After", std::to_string(1 + static_cast<int>(pick * 20))});
        answer_after(id, way + back, std::move(refused));
        return;
    }
    case fate::server_error:
        answer_after(id, way + back, refusal(pick < 0.5 ? 500 : 503));
        return;
    case fate::gateway_error:
        if (pick < 0.5)
            answer_after(id, way + back, refusal(502));
        else
            launch(id, r, to, arrives, f);
        return;
    case fate::duplicate:
        launch(id, r, to, arrives, f);
        // Nothing that an engine can do would help against a submission that is doubled on its way to a service that
        // takes no notice of the token.
        if (!is_submission(r) || services_[to]->plan().deduplicates)
            launch(0, r, to, arrives + random_.between(duration(1), settle_time - slowest_way * 2), f);
        return;
    }
}

/// Nobody waits for the answer any more: what has no effect by now has it soon, or never.
void network::give_up(flight_id id)
{
    const steady_time now = events_.now();
    for (auto& [number, f] : flights_) {
        if (f.waiting != id || f.given_up != steady_time::max())
            continue;
        f.given_up = now;
        if (f.effect >= now + settle_time) {
            f.effect = now + random_.any_magnitude(duration(1), settle_time - duration(1));
            events_.at(f.effect, [this, n = number] { take_effect(n); });
        }
    }
}

void network::take_effect(flight_id id)
{
    const auto found = flights_.find(id);
    // It was moved to another time.
    if (found == flights_.end() || found->second.effect > events_.now())
        return;
    flight f = std::move(found->second);
    flights_.erase(found);
    const steady_time now = events_.now();
    const steady_time settled = std::min(f.given_up, now) + settle_;
    if (now < settled) {
        const duration room = std::chrono::floor<duration>(settled - now);
        // Searches may lag behind, within what the service promises.
        if (!calm() && random_.chance(scenario_.faults.stale))
            f.how.visible = now + random_.between(duration(0), room - duration(1));
    }
    http_response r = services_[f.service]->handle(f.request, now, f.how);
    if (f.garbled)
        r.body.resize(r.body.size() / 2);
    if (f.status_instead != 0)
        r = refusal(f.status_instead);
    if (f.waiting != 0)
        answer_after(f.waiting, f.answer_takes, std::move(r));
}

void network::answer_after(flight_id exchange_id, duration d, boost::system::result<http_response> r)
{
    events_.after(d, [this, exchange_id, kept = std::move(r)]() mutable { answer(exchange_id, std::move(kept)); });
}

void network::answer(flight_id exchange_id, boost::system::result<http_response> r)
{
    const auto found = waiting_.find(exchange_id);
    if (found == waiting_.end())
        return;
    if (events_.now() < frozen_until_) {
        events_.at(frozen_until_,
                   [this, exchange_id, kept = std::move(r)]() mutable { answer(exchange_id, std::move(kept)); });
        return;
    }
    errand& e = *found->second;
    waiting_.erase(found);
    give_up(exchange_id);
    trace_.note("  <- {} {}: {}", e.request_.method, e.request_.url,
                r ? std::to_string(r->status) : r.error().message());
    // A handler of the operating system's resumes who waits; sometimes there are more hands in between.
    const bool at_once = !random_.chance(0.5);
    e.answered(std::move(r), at_once);
}

void network::schedule_forgetting()
{
    if (scenario_.faults.forget <= 0)
        return;
    events_.after(random_.any_magnitude(duration(1'000), duration(600'000)), [this] {
        if (calm())
            return;
        const std::uint64_t which = random_.next();
        if (random_.chance(scenario_.faults.forget) &&
            services_[which % services_.size()]->forget_one(events_.now(), which >> 8))
            ++deceptions_;
        schedule_forgetting();
    });
}

} // namespace potoo::sim
