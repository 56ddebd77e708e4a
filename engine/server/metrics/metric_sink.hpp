#pragma once
/// @file
/// Where measured values go: one interface for those who have some, whatever form they leave in.

#include "engine/runtime/latency_histogram.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server {

enum class metric_kind : std::uint8_t
{
    counter,   ///< never falls while the program runs; its name ends with `_total`
    gauge,     ///<
    histogram, ///< in seconds
};

using metric_labels = std::vector<std::pair<std::string_view, std::string>>;

class metric_sink
{
  public:
    virtual ~metric_sink() = default;

    /// What follows is of this family, until the next. A family is opened once in one collection.
    /// @param name as Prometheus allows it, with its unit; `help` is one sentence
    virtual void family(std::string_view name, metric_kind kind, std::string_view help) = 0;

    virtual void value(const metric_labels& labels, double v) = 0;

    virtual void histogram(const metric_labels& labels, const runtime::latency_histogram& h) = 0;

    /// A family of one value.
    void only(std::string_view name, metric_kind kind, std::string_view help, double v)
    {
        family(name, kind, help);
        value({}, v);
    }
};

} // namespace potoo::server
