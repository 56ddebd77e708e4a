#pragma once
/// @file
/// Sends the values to a StatsD server, over UDP: nobody answers, and nothing waits for it.

#include "engine/server/metrics/metrics.hpp"

#include <potoo/loop.hpp>
#include <potoo/task.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::server {

/// Counters leave as what was added since the collection before, histograms as the number and the mean of what was
/// added, labels as parts of the name: `potoo_backend_calls_total.docker:12|c`.
class statsd_lines final : public metric_sink
{
  public:
    void family(std::string_view name, metric_kind kind, std::string_view help) override;
    void value(const metric_labels& labels, double v) override;
    void histogram(const metric_labels& labels, const runtime::latency_histogram& h) override;

    /// What was collected since the last call, in packets that fit a datagram.
    [[nodiscard]] std::vector<std::string> take();

  private:
    [[nodiscard]] double added(const std::string& name, double total);
    void line(const std::string& name, double v, std::string_view type);

    std::string name_;
    metric_kind kind_ = metric_kind::gauge;
    std::map<std::string, double> before_; ///< of counters
    std::vector<std::string> packets_;
};

/// Sends every ten seconds until it is cancelled. A server that cannot be found is looked for again.
/// @param address `host:port` @param say told once when the server is not found, and once when it is again
[[nodiscard]] task<> send_statsd(loop& l, metrics& m, std::string address, std::function<void(std::string_view)> say);

} // namespace potoo::server
