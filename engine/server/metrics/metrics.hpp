#pragma once
/// @file
/// What a server tells those who watch it: numbers, and whether it makes progress.

#include "engine/host/host.hpp"
#include "engine/server/metrics/loop_probe.hpp"
#include "engine/server/metrics/metric_sink.hpp"
#include "engine/server/runs/run_carrier.hpp"
#include "engine/web/http_server.hpp"

#include <potoo/json.hpp>
#include <potoo/watcher.hpp>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Progress, not mere life: of the loop, of every watcher, of the journal.
struct health_report
{
    [[nodiscard]] bool good() const noexcept { return problems.empty(); }

    std::vector<std::string> problems; ///< sentences for people
    json::object details;              ///< `status`, `problems`, `loop`, `journal`, `watchers`: the body of `/healthz`
};

class metrics
{
  public:
    /// All of it must outlive the metrics. @param version of the program
    metrics(host::engine_host& engine, run_carrier& runs, std::string version);

    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;

    /// From now on its connections are counted too; it must outlive the metrics or be taken away by null.
    void watch(const web::http_server* server) noexcept { web_ = server; }

    /// Somebody else has values. Called at each collection, on the loop.
    void add_source(std::function<void(metric_sink&)> source) { sources_.push_back(std::move(source)); }

    /// Gives all values to `sink`. On the loop.
    void collect(metric_sink& sink) const;

    /// Body of `/metrics`; its type is `prometheus_text::content_type`.
    [[nodiscard]] std::string prometheus() const;

    [[nodiscard]] health_report health() const;

    /// For `/readyz`: the journal's runs have been taken up and requests are answered; false again while it drains.
    void set_ready(bool ready) noexcept { ready_ = ready; }

    [[nodiscard]] bool ready() const noexcept { return ready_; }

    [[nodiscard]] const loop_probe& probe() const noexcept { return probe_; }

  private:
    void collect_process(metric_sink& sink) const;
    void collect_loop(metric_sink& sink) const;
    void collect_runs(metric_sink& sink) const;
    void collect_pools(metric_sink& sink) const;
    void collect_backends(metric_sink& sink) const;
    void collect_web(metric_sink& sink) const;

    static constexpr std::size_t run_states = 7;

    host::engine_host& engine_;
    std::string version_;
    const web::http_server* web_ = nullptr;
    std::vector<std::function<void(metric_sink&)>> sources_;
    std::array<std::uint64_t, run_states> ended_{}; ///< runs, by the state in which they ended
    loop_probe probe_;
    bool ready_ = false;
};

} // namespace potoo::server
