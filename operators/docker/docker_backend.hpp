#pragma once
/// @file
/// A container as a job of an engine.
///
/// The container's name is the launch token, so that the engine makes one of two launches. What launches it is two
/// requests: a container that was made and not started is found, and started then. It is removed by the attempt that
/// waited for it, once the journal has how it ended.

#include "docker_engine.hpp"
#include "docker_image.hpp"
#include "docker_options.hpp"
#include "docker_watch.hpp"

#include <potoo/backend.hpp>
#include <potoo/job_log.hpp>
#include <potoo/request_gate.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace potoo::docker {

/// One engine as all attempts share it.
struct engine
{
    engine(potoo::loop& l, engine_address where, request_gate::limits requests, watcher::limits polls)
        : client(std::move(where)), gate(l, requests), asker(l, client, polls), images(client)
    {}

    engine_client client;
    request_gate gate;
    container_watcher asker;
    image_store images;
};

/// There is nothing to wait for.
class over_already final : public leaf
{
  public:
    ~over_already() { abandon(); }

  private:
    bool start() override { return false; }

    bool withdraw() noexcept override { return true; }
};

class container_backend final : public backend
{
  public:
    explicit container_backend(context& ctx);

    task<job_id> submit(context& ctx, const launch_token& token) override;
    task<std::optional<job_id>> find(context& ctx, const launch_token& token) override;
    leaf& begin_wait(context& ctx, const job_id& id) override;
    job_result end_wait() override;
    task<> cancel(context& ctx, const job_id& id) override;
    task<> logs(context& ctx, const job_id& id, job_result& ended) override;

    [[nodiscard]] bool can_find() const noexcept override { return true; }

    [[nodiscard]] bool deduplicates() const noexcept override { return true; }

    [[nodiscard]] request_gate* gate() noexcept override { return &engine_.gate; }

    [[nodiscard]] duration cancel_grace() const noexcept override;

    /// The image is there. Not part of the launch, so that it can be broken off.
    [[nodiscard]] task<> prepare(context& ctx) { return engine_.images.provide(ctx, *options_); }

  private:
    [[nodiscard]] task<engine_answer> send(context& ctx, engine_request r);
    [[nodiscard]] task<std::string> create(context& ctx, const launch_token& token);
    static void warn(context& ctx, const json::object& made);
    [[nodiscard]] task<engine_answer> start(context& ctx, std::string id);
    [[nodiscard]] task<engine_answer> remove(context& ctx, std::string id);
    [[nodiscard]] task<> copy_log(context& ctx, std::string id, job_log& log);
    [[nodiscard]] task<> clear_away(context& ctx, std::string id);

    engine& engine_;
    std::shared_ptr<const container_options> options_;
    container_watch watch_;
    over_already over_;
    std::optional<job_result> known_end_; ///< of a container that may be gone by now
};

} // namespace potoo::docker
