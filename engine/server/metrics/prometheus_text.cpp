#include "engine/server/metrics/prometheus_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace potoo::server {
namespace {

std::string_view kind_name(metric_kind kind)
{
    switch (kind) {
    case metric_kind::counter:
        return "counter";
    case metric_kind::gauge:
        return "gauge";
    case metric_kind::histogram:
        return "histogram";
    }
    return "untyped";
}

std::string escaped(std::string_view text, bool quotes)
{
    std::string out;
    for (const char c : text) {
        if (c == '\\' || (c == '"' && quotes))
            out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

std::string number(double v)
{
    if (std::isnan(v))
        return "NaN";
    if (std::isinf(v))
        return v > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", v);
}

double seconds(runtime::latency_histogram::span s)
{
    return std::chrono::duration<double>(s).count();
}

} // namespace

void prometheus_text::family(std::string_view name, metric_kind kind, std::string_view help)
{
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, escaped(help, false), name,
                   kind_name(kind));
}

void prometheus_text::line(std::string_view suffix, const metric_labels& labels, std::string_view bound, double v)
{
    std::string inner;
    for (const auto& [name, value] : labels)
        inner += fmt::format("{}{}=\"{}\"", inner.empty() ? "" : ",", name, escaped(value, true));
    if (!bound.empty())
        inner += fmt::format("{}le=\"{}\"", inner.empty() ? "" : ",", bound);
    const std::string braces = inner.empty() ? std::string() : "{" + inner + "}";
    fmt::format_to(std::back_inserter(text_), "{}{}{} {}\n", name_, suffix, braces, number(v));
}

void prometheus_text::value(const metric_labels& labels, double v)
{
    line("", labels, "", v);
}

void prometheus_text::histogram(const metric_labels& labels, const runtime::latency_histogram& h)
{
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < runtime::latency_histogram::bounds.size(); ++i) {
        below += h.in_bucket(i);
        line("_bucket", labels, number(seconds(runtime::latency_histogram::bounds[i])), static_cast<double>(below));
    }
    line("_bucket", labels, "+Inf", static_cast<double>(h.count()));
    line("_sum", labels, "", seconds(h.sum()));
    line("_count", labels, "", static_cast<double>(h.count()));
}

} // namespace potoo::server
