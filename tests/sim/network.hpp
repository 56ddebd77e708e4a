#pragma once
// How requests and answers travel between an engine and the services, and what happens to them on the way. A request
// that has been sent goes on without the engine that sent it.

#include "event_queue.hpp"
#include "random_source.hpp"
#include "scenario.hpp"
#include "service.hpp"
#include "trace.hpp"

#include <potoo/branch.hpp>
#include <potoo/http.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace potoo::sim {

/// What happens to one exchange.
enum class fate : std::uint8_t
{
    good,
    not_sent,
    lost_request,
    lost_response,
    late,
    hang,
    slow,
    throttle,
    server_error,
    gateway_error,
    garbage,
    duplicate,
};

inline constexpr std::size_t fate_count = 12;

[[nodiscard]] std::string_view to_string(fate f) noexcept;

/// Longest time from when a client gave up on a request until the request takes effect, if it ever does. What backends
/// promise (`backend::settle_time`).
inline constexpr duration settle_time{5'000};

class network
{
  public:
    network(const scenario& s, event_queue& events, trace& log, std::vector<std::unique_ptr<service>>& services);

    /// A request on its way, and who waits for the answer.
    class errand;

    /// Those who wait: a coroutine, and what was prepared and asked.
    class exchange;
    class carried_ask;

    /// An engine's view of the network. When it is destroyed, what was on its way goes on.
    class client;

    [[nodiscard]] const std::array<std::uint64_t, fate_count>& fates() const noexcept { return fates_; }

    /// A request was answered 404 for a job that is there, with a state of a while ago, or the job was deleted.
    [[nodiscard]] std::uint64_t deceptions() const noexcept { return deceptions_; }

    /// Called with every submission at the moment it is sent: its token.
    void on_submit(std::function<void(const std::string&)> f) { on_submit_ = std::move(f); }

    /// The services take longer than they promise.
    void break_settle_promise() noexcept { settle_ = settle_time * 3; }

    /// A service acts twice on one request although it does not deduplicate.
    void deliver_submissions_twice() noexcept { twice_ = true; }

    /// The engine stands still: what comes for it waits until then.
    void freeze_client_until(steady_time t) noexcept { frozen_until_ = t; }

    /// Forgets a job now and then until all is calm.
    void schedule_forgetting();

  private:
    using flight_id = std::uint64_t;

    /// One delivery of a request.
    struct flight
    {
        http_request request;
        std::size_t service = 0;
        steady_time effect;
        steady_time given_up = steady_time::max(); ///< the client waits until then
        flight_id waiting = 0;                     ///< the exchange that gets the answer; 0 = none
        duration answer_takes{0};
        treatment how;
        bool garbled = false;
        unsigned status_instead = 0;
    };

    void begin(errand& e);
    void abandon(errand& e) noexcept;
    void give_up(flight_id id);
    void launch(flight_id exchange_id, const http_request& r, std::size_t to, steady_time effect, fate f);
    void take_effect(flight_id id);
    void answer(flight_id exchange_id, boost::system::result<http_response> r);
    void answer_after(flight_id exchange_id, duration d, boost::system::result<http_response> r);
    [[nodiscard]] fate draw_fate(std::size_t to);
    [[nodiscard]] fate storm_fate(weather w);
    void carry_out(fate f, flight_id id, const http_request& r, std::size_t to);
    [[nodiscard]] treatment draw_treatment();

    [[nodiscard]] bool calm() const { return events_.elapsed() >= scenario_.calm; }

    const scenario& scenario_;
    event_queue& events_;
    trace& trace_;
    std::vector<std::unique_ptr<service>>& services_;
    random_source random_;
    random_source connections_;
    std::function<void(const std::string&)> on_submit_;
    duration settle_ = settle_time;
    bool twice_ = false;
    steady_time frozen_until_{};
    std::map<flight_id, errand*> waiting_;
    std::map<flight_id, flight> flights_;
    flight_id next_ = 1;
    std::array<std::uint64_t, fate_count> fates_{};
    std::uint64_t deceptions_ = 0;
};

class network::errand
{
  protected:
    errand(network& n, http_request r) : network_(n), request_(std::move(r)) {}

    ~errand() = default;

    /// @param at_once the handler that it comes in resumes who waits
    virtual void answered(boost::system::result<http_response> r, bool at_once) = 0;

    network& network_;
    http_request request_;
    flight_id id_ = 0;

    friend class network;
};

/// An awaiter in the frame of `client::send`.
class network::exchange final : public leaf, private errand
{
  public:
    exchange(network& n, http_request r) : errand(n, std::move(r)) {}

    ~exchange() { abandon(); }

    boost::system::result<http_response> await_resume()
    {
        throw_if_cancelled();
        return std::move(result_);
    }

  private:
    bool start() override;
    bool withdraw() noexcept override;
    void answered(boost::system::result<http_response> r, bool at_once) override;

    boost::system::result<http_response> result_{http_error::timed_out};
};

class network::client final : public http_client
{
  public:
    explicit client(network& n) : network_(n) {}

    task<boost::system::result<http_response>> send(http_request request) override;

    std::shared_ptr<const http_prepared> prepare(const http_request& pattern, std::string_view blank) override;

    /// Now and then there is no unused connection.
    bool ask(http_ask& question) override;

    std::size_t connections_opened() const noexcept override { return 0; }

  private:
    network& network_;
};

} // namespace potoo::sim
