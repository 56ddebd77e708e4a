#pragma once
// The people and programs that speak to the engine: they cancel runs and tasks and answer callbacks, whether an engine
// runs or not, and ask again when they get no answer.

#include "engine_life.hpp"
#include "random_source.hpp"
#include "world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace potoo::sim {

class outside
{
  public:
    /// @param reachable says which engine answers just now; null = none
    outside(world& w, std::function<engine_life*()> reachable, std::function<bool()> engine_there);

    outside(const outside&) = delete;
    outside& operator=(const outside&) = delete;

    /// Asks for what the scenario says.
    void plan_ahead();

    /// Somebody will ask for a retry of a run that has ended.
    [[nodiscard]] bool wants_more();

    /// Nobody wants anything of runs that have all ended.
    void fall_silent() noexcept { silent_ = true; }

  private:
    struct callback
    {
        json::value answer;
        bool answered = false;
    };

    void cancel(const run_plan& r, std::optional<std::size_t> task);
    void cancel_without_engine(const run_plan& r, std::optional<std::size_t> task);
    void set_paused(const run_plan& r, bool paused);
    void set_paused_without_engine(const run_plan& r, bool paused);
    void retry(const run_plan& r, const retry_plan& what);
    void retry_when_ended(const run_plan& r);
    [[nodiscard]] bool wants_retry(const run_plan& r);
    void retry_without_engine(const run_plan& r, const host::retry_wish& wish);
    [[nodiscard]] bool nobody_can(const engine_life* engine);
    void was_given(const std::string& token, json::value answer);
    void deliver(const std::string& token);
    void deliver_without_engine(const std::string& token);
    void hear(const std::string& what, const std::optional<host::request_result>& answer);
    void hear_refusable(const std::string& what, const host::request_result& answer);
    void append(std::vector<journal::record> records);
    [[nodiscard]] host::callback_delivery delivery_of(const std::string& token) const;
    [[nodiscard]] std::optional<journal::run_row> row_of(const std::string& dag);

    world& world_;
    std::function<engine_life*()> reachable_;
    std::function<bool()> engine_there_;
    random_source random_;
    std::map<std::string, callback> callbacks_;
    std::map<const run_plan*, int> retried_; ///< times, after the end
    bool silent_ = false;
};

} // namespace potoo::sim
