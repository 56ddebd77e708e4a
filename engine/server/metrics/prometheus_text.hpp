#pragma once
/// @file
/// Prometheus' text format 0.0.4, with names that OpenMetrics allows too.

#include "engine/server/metrics/metric_sink.hpp"

#include <string>

namespace potoo::server {

class prometheus_text final : public metric_sink
{
  public:
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    void family(std::string_view name, metric_kind kind, std::string_view help) override;
    void value(const metric_labels& labels, double v) override;
    void histogram(const metric_labels& labels, const runtime::latency_histogram& h) override;

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    void line(std::string_view suffix, const metric_labels& labels, std::string_view bound, double v);

    std::string name_;
    std::string text_;
};

} // namespace potoo::server
