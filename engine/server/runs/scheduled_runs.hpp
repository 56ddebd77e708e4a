#pragma once
/// @file
/// The server's runs as schedules, triggers and replays see them.

#include "engine/server/runs/run_carrier.hpp"
#include "engine/server/schedules/run_starter.hpp"

namespace potoo::server {

class scheduled_runs final : public run_starter
{
  public:
    /// All of them outlive it.
    scheduled_runs(run_carrier& runs, host::engine_host& engine, journal::reader& journal)
        : runs_(runs), engine_(engine), journal_(journal)
    {}

    [[nodiscard]] task<run_id> start(std::shared_ptr<const graph::dag> dag, runtime::run_origin origin) override;
    [[nodiscard]] task<> cancel(run_id id) override;
    [[nodiscard]] std::size_t active_of(std::string_view dag) override;
    [[nodiscard]] std::optional<begun_run> find(std::string_view by, std::string_view key) override;
    [[nodiscard]] std::optional<wall_time> end_of(const run_id& id) override;
    [[nodiscard]] std::vector<begun_run> succeeded(std::string_view dag, wall_time since) override;
    [[nodiscard]] std::vector<begun_run> caused(std::string_view by, std::string_view cause) override;

  private:
    run_carrier& runs_;
    host::engine_host& engine_;
    journal::reader& journal_;
};

} // namespace potoo::server
