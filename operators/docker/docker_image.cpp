#include "docker_image.hpp"

#include "docker_json.hpp"

#include <potoo/http.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace potoo::docker {
namespace {

constexpr std::size_t longest_line = std::size_t{1} << 20;

/// For a query or a path.
std::string encoded(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += c == ':' || c == '@' || c == '/' ? fmt::format("%{:02X}", static_cast<unsigned char>(c))
                                                : std::string(1, c);
    return out;
}

double number_of(const json::object& o, std::string_view name)
{
    const json::value* v = o.if_contains(name);
    return v && v->is_number() ? v->to_number<double>() : 0;
}

} // namespace

void pull_report::put(std::string_view piece)
{
    begun_ += piece;
    std::size_t at = 0;
    for (auto end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n', at)) {
        take(std::string_view(begun_).substr(at, end - at));
        at = end + 1;
    }
    begun_.erase(0, at);
    if (begun_.size() > longest_line)
        begun_.clear();
}

void pull_report::take(std::string_view line)
{
    boost::system::error_code ec;
    const json::value v = json::parse(line, ec);
    const json::object* step = ec ? nullptr : v.if_object();
    if (!step)
        return;
    if (const std::string error = text_in(*step, "error"); !error.empty())
        error_ = error;
    const std::string id = text_in(*step, "id");
    const json::value* detail = step->if_contains("progressDetail");
    if (id.empty() || !detail || !detail->is_object())
        return;
    const std::string status = text_in(*step, "status");
    layer& l = layers_[id];
    if (status == "Downloading")
        l = {number_of(detail->get_object(), "current"), number_of(detail->get_object(), "total")};
    else if (status == "Download complete" || status == "Pull complete")
        l.current = l.total;
    tell();
}

void pull_report::tell()
{
    layer sum;
    for (const auto& [id, l] : layers_) {
        sum.current += l.current;
        sum.total += std::max(l.total, l.current);
    }
    if (sum.total <= 0)
        return;
    const double fraction = std::clamp(sum.current / sum.total, 0.0, 1.0);
    const int percent = static_cast<int>(fraction * 100);
    if (percent == told_)
        return;
    told_ = percent;
    constexpr double mebi = 1024.0 * 1024;
    listener_(fraction, fmt::format("{:.1f} of {:.1f} MiB", sum.current / mebi, sum.total / mebi));
}

task<bool> image_store::has(context& ctx, const container_options& o)
{
    if (present_.contains(o.image))
        co_return true;
    engine_request r{.method = "GET",
                     .target = fmt::format("/images/{}/json", o.image),
                     .timeout = o.request_timeout,
                     .purpose = fmt::format("look for the image {}", o.image)};
    const auto a = co_await engine_.send(ctx.http(), ctx.loop(), std::move(r));
    if (a.status() == 200)
        present_.insert(o.image);
    else if (a.status() != 404)
        a.trouble().raise();
    co_return a.status() == 200;
}

task<> image_store::pull(context& ctx, const container_options& o)
{
    const image_name name = split_image(o.image);
    ctx.log(fmt::format("pulling the image {}", o.image));
    pull_report report(
        [&](double fraction, const std::string& what) { ctx.progress(fraction, fmt::format("pulling: {}", what)); });
    engine_request r{.method = "POST",
                     .target =
                         fmt::format("/images/create?fromImage={}&tag={}", encoded(name.repository), encoded(name.tag)),
                     .timeout = duration::max(),
                     .sink =
                         [&](std::string_view piece) {
                             report.put(piece);
                             return true;
                         },
                     .purpose = fmt::format("pull the image {}", o.image)};
    const auto a = co_await engine_.send(ctx.http(), ctx.loop(), std::move(r));
    report.put("\n");
    if (a.status() == 404)
        throw fatal(a.trouble().message, "no_such_image");
    if (a.refused() && a.status() == 500)
        throw failure(a.trouble().message, "pull_failed");
    if (a.status() != 200)
        a.trouble().raise_repeatable();
    if (!report.error().empty())
        throw failure(fmt::format("cannot pull the image {}: the Docker engine says: {}", o.image, report.error()),
                      "pull_failed");
    present_.insert(o.image);
    ctx.log(fmt::format("pulled the image {}", o.image));
}

task<> image_store::provide(context& ctx, const container_options& o)
{
    if (o.pull == pull_policy::never)
        co_return;
    if (o.pull == pull_policy::missing) {
        const bool there = co_await has(ctx, o);
        if (there)
            co_return;
    }
    auto& line = pulling_[o.image];
    if (!line)
        line = std::make_unique<semaphore>(1);
    co_await line->acquire();
    const slot_guard mine(*line);
    // Another attempt may have pulled it meanwhile.
    if (o.pull == pull_policy::missing && present_.contains(o.image))
        co_return;
    const context::deferral deferred(ctx);
    co_await pull(ctx, o);
}

} // namespace potoo::docker
