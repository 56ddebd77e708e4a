#pragma once
/// @file
/// Sees to it that an engine has an image before a container is made of it.

#include "docker_engine.hpp"
#include "docker_options.hpp"

#include <potoo/context.hpp>
#include <potoo/wait.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace potoo::docker {

/// What the engine tells while it pulls: a line of JSON for each step of each layer.
class pull_report
{
  public:
    using listener = std::function<void(double fraction, const std::string& what)>;

    explicit pull_report(listener l) : listener_(std::move(l)) {}

    /// Pieces of any size, in order.
    void put(std::string_view piece);

    /// The engine's words for what went wrong; empty if nothing did.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

  private:
    struct layer
    {
        double current = 0;
        double total = 0;
    };

    void take(std::string_view line);
    void tell();

    listener listener_;
    std::string begun_;
    std::string error_;
    std::map<std::string, layer, std::less<>> layers_;
    int told_ = -1; ///< percent
};

/// The images of one engine, as far as attempts have asked for them. An image is pulled by one of them, while the
/// others that want it wait.
class image_store
{
  public:
    explicit image_store(engine_client& e) : engine_(e) {}

    /// @throws failure `pull_failed`; fatal `no_such_image`
    [[nodiscard]] task<> provide(context& ctx, const container_options& o);

    /// It has turned out not to be there.
    void forget(const std::string& image) { present_.erase(image); }

  private:
    [[nodiscard]] task<bool> has(context& ctx, const container_options& o);
    [[nodiscard]] task<> pull(context& ctx, const container_options& o);

    engine_client& engine_;
    std::set<std::string> present_;
    std::map<std::string, std::unique_ptr<semaphore>> pulling_;
};

} // namespace potoo::docker
