#pragma once
// A simulated remote system that runs jobs, as seen from inside: what it does with a request that has arrived. How
// requests and answers travel is the network's business.

#include "scenario.hpp"
#include "trace.hpp"

#include <potoo/http.hpp>
#include <potoo/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace potoo::sim {

/// One item of a task of a run, in the words of the world.
struct work_name
{
    std::string dag;
    std::uint32_t task = 0;
    std::uint32_t item = 0;

    friend auto operator<=>(const work_name&, const work_name&) = default;
};

/// A job that was accepted.
struct job
{
    std::string id;
    std::string token;
    work_name work;
    steady_time accepted;
    steady_time visible; ///< a search finds it from then on
    steady_time starts;
    steady_time ends;
    bool fails = false;
    bool forgotten = false;
    bool denied = false; ///< was once called unknown although it was not
    steady_time cancel_asked = steady_time::max();
    bool cancelled = false;
    json::value result;

    /// Costs money at `t`.
    [[nodiscard]] bool active(steady_time t) const noexcept { return !forgotten && t < ends; }

    /// `QUEUED`, …
    [[nodiscard]] const char* state(steady_time t) const noexcept;
};

/// How the request is to be treated, besides what it asks for.
struct treatment
{
    steady_time visible; ///< of a job that is accepted by it
    duration behind{0};  ///< the answer tells of this long ago
    bool deny = false;   ///< a job that is asked for may be denied
};

class service
{
  public:
    service(const service_plan& plan, std::uint64_t seed, trace& log) : plan_(plan), seed_(seed), trace_(log) {}

    /// Called with every job when it is accepted.
    void on_accept(std::function<void(const job&)> f) { on_accept_ = std::move(f); }

    [[nodiscard]] http_response handle(const http_request& r, steady_time now, const treatment& t);

    /// Deletes one of the active jobs. @return whether there was one
    bool forget_one(steady_time now, std::uint64_t which);

    [[nodiscard]] const std::vector<job>& jobs() const noexcept { return jobs_; }

    [[nodiscard]] const service_plan& plan() const noexcept { return plan_; }

  private:
    http_response submit(const http_request& r, steady_time now, const treatment& t);
    http_response search(const std::string& token, steady_time now) const;
    http_response query(const http_request& r, steady_time now, const treatment& t);
    http_response status(const std::string& id, steady_time now, const treatment& t);
    http_response cancel(const std::string& id, steady_time now);
    [[nodiscard]] json::object shown(const job& j, steady_time t) const;
    [[nodiscard]] job* find(const std::string& id);
    job& accept(std::string token, work_name work, steady_time now, const treatment& t);

    const service_plan& plan_;
    std::uint64_t seed_;
    trace& trace_;
    std::function<void(const job&)> on_accept_;
    std::vector<job> jobs_;
    std::map<std::string, std::size_t> by_id_;
    std::map<work_name, std::uint32_t> accepted_;
};

} // namespace potoo::sim
